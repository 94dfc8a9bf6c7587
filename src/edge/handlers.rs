//! Which handler answers at which endpoint.

use std::pin::Pin;

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::{
    ancestry, badge, compared, evaluate, events, experiments, export, functions, health, import, kept_readings, live,
    prompts, rankings, rest, results, retraction, runs, search, series, stats, summary, verification,
};
use crate::http::problem::Problem;
use crate::http::route::Endpoint;

/// The work of one handler, in an allocation of its own: the first request of an isolate waits until the functions that it runs
/// are compiled, and all handlers in one future are one function, of a hundred kilobytes.
type Answering = Pin<Box<dyn Future<Output = Result<Answer, Refusal>>>>;

/// Has the endpoint's handler answer.
pub(super) fn answer(endpoint: Endpoint, call: Call) -> Answering {
    match endpoint {
        Endpoint::Health => with(call, async |call| Ok::<_, Problem>(health::get_health(call).await)),
        Endpoint::Events => taking(call, events::post_events),
        Endpoint::Usage => taking(call, events::post_usage),
        Endpoint::View => taking(call, events::post_view),
        Endpoint::Copy => taking(call, events::post_copy),
        Endpoint::Compare => taking(call, events::post_compare),
        Endpoint::Stats => with(call, stats::get_stats),
        Endpoint::Badge => with(call, badge::get_badge),
        Endpoint::Live => with(call, live::get_live),
        Endpoint::StatsOfMany => with(call, stats::get_many),
        Endpoint::Top => with(call, rankings::get_top),
        Endpoint::Scenes => with(call, stats::get_scenes),
        Endpoint::Series => with(call, series::get_series),
        Endpoint::Funnel => with(call, series::get_funnel),
        Endpoint::Lineage => with(call, ancestry::get_lineage),
        Endpoint::Compared => with(call, compared::get_compared),
        Endpoint::Search => with(call, search::get_search),
        Endpoint::Declare => taking(call, experiments::put_experiment),
        Endpoint::Assignment => with(call, experiments::get_assignment),
        Endpoint::Summary => with(call, summary::get_summary),
        Endpoint::Results => with(call, results::get_results),
        Endpoint::Evaluate => taking(call, evaluate::post_evaluate),
        Endpoint::Import => taking(call, import::post_import),
        Endpoint::Export => with(call, async |call| export::get_export(call)),
        Endpoint::Verify => with(call, verification::get_verification),
        Endpoint::Retract => taking(call, retraction::post_retraction),
        Endpoint::Runs => with(call, runs::get_runs),
        Endpoint::Totals => with(call, series::get_totals),
        Endpoint::Metrics => with(call, kept_readings::get_metrics),
        Endpoint::CreatePrompt => taking(call, prompts::post_prompt),
        Endpoint::Fork => taking(call, prompts::post_fork),
        Endpoint::Rows => taking(call, rest::answer),
        Endpoint::Function => taking(call, functions::answer),
    }
}

/// A handler that reads the call.
fn with<R: Into<Refusal>>(call: Call, handler: impl AsyncFnOnce(&Call) -> Result<Answer, R> + 'static) -> Answering {
    Box::pin(async move { handler(&call).await.map_err(Into::into) })
}

/// A handler that takes it: for its body, or for work that goes on after the answer.
fn taking<R: Into<Refusal>>(call: Call, handler: impl AsyncFnOnce(Call) -> Result<Answer, R> + 'static) -> Answering {
    Box::pin(async move { handler(call).await.map_err(Into::into) })
}
