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
        Endpoint::Health => lend(call, async |call| Ok::<_, Problem>(health::get_health(call).await)),
        Endpoint::Events => give(call, events::post_events),
        Endpoint::Usage => give(call, events::post_usage),
        Endpoint::View => give(call, events::post_view),
        Endpoint::Copy => give(call, events::post_copy),
        Endpoint::Compare => give(call, events::post_compare),
        Endpoint::Stats => lend(call, stats::get_stats),
        Endpoint::Badge => lend(call, badge::get_badge),
        Endpoint::Live => lend(call, live::get_live),
        Endpoint::StatsOfMany => lend(call, stats::get_many),
        Endpoint::Top => lend(call, rankings::get_top),
        Endpoint::Scenes => lend(call, stats::get_scenes),
        Endpoint::Series => lend(call, series::get_series),
        Endpoint::Funnel => lend(call, series::get_funnel),
        Endpoint::Lineage => lend(call, ancestry::get_lineage),
        Endpoint::Compared => lend(call, compared::get_compared),
        Endpoint::Search => lend(call, search::get_search),
        Endpoint::Declare => give(call, experiments::put_experiment),
        Endpoint::Assignment => lend(call, experiments::get_assignment),
        Endpoint::Summary => lend(call, summary::get_summary),
        Endpoint::Results => lend(call, results::get_results),
        Endpoint::Evaluate => give(call, evaluate::post_evaluate),
        Endpoint::Import => give(call, import::post_import),
        Endpoint::Export => lend(call, async |call| export::get_export(call)),
        Endpoint::Verify => lend(call, verification::get_verification),
        Endpoint::Retract => give(call, retraction::post_retraction),
        Endpoint::Runs => lend(call, runs::get_runs),
        Endpoint::Totals => lend(call, series::get_totals),
        Endpoint::Metrics => lend(call, kept_readings::get_metrics),
        Endpoint::CreatePrompt => give(call, prompts::post_prompt),
        Endpoint::Fork => give(call, prompts::post_fork),
        Endpoint::Rows => give(call, rest::answer),
        Endpoint::Function => give(call, functions::answer),
    }
}

/// Has a handler answer that reads the call.
fn lend<R: Into<Refusal>>(call: Call, handler: impl AsyncFnOnce(&Call) -> Result<Answer, R> + 'static) -> Answering {
    Box::pin(async move { handler(&call).await.map_err(Into::into) })
}

/// Has one answer that takes it: for its body, or for work that goes on after the answer.
fn give<R: Into<Refusal>>(call: Call, handler: impl AsyncFnOnce(Call) -> Result<Answer, R> + 'static) -> Answering {
    Box::pin(async move { handler(call).await.map_err(Into::into) })
}
