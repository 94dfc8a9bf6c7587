//! `GET /v1/prompts/{id}/series`, `GET /v1/prompts/{id}/funnel` and `GET /v1/admin/series`.

use uuid::Uuid;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1, prompt_lookup, time_zone};
use crate::counting::tally::Tally;
use crate::http::problem::Problem;
use crate::series::answer::Series;
use crate::series::funnel::Funnel;
use crate::series::request::{Period, SeriesRequest};
use crate::series::totals;
use crate::series::zone::Zone;

/// Tells how often something was counted, by hours or days.
pub(super) async fn get_series(call: &Call) -> Result<Answer, Problem> {
    let request = SeriesRequest::parse(&call.query(), call.now_ms)?;
    let Counted { prompt_id, zone, bounds, tallies } = counted(call, &request.period).await?;
    Answer::ok(&Series::new(prompt_id, &request, &zone, &bounds, &tallies))
}

/// Tells how often something was counted of all prompts.
pub(super) async fn get_totals(call: &Call) -> Result<Answer, Problem> {
    let request = SeriesRequest::parse(&call.query(), call.now_ms)?;
    let (zone, bounds) = observed(&request.period)?;
    let statement = totals::statement(&request, &bounds)?;
    let counted = d1::totals::read(&call.env, &statement).await;
    let counted = counted.map_err(|error| storage_failure("totals", &error))?;
    Answer::ok(&Series::of_all(&request, &zone, &bounds, counted))
}

/// Tells how many views led to a copy, and so on, in all and by days.
pub(super) async fn get_funnel(call: &Call) -> Result<Answer, Problem> {
    let period = Period::of_funnel(&call.query(), call.now_ms)?;
    let Counted { prompt_id, zone, bounds, tallies } = counted(call, &period).await?;
    Answer::ok(&Funnel::new(prompt_id, &period.tz, &zone, &bounds, &tallies))
}

/// What was counted of a prompt over the points that begin at `bounds`.
struct Counted {
    prompt_id: Uuid,
    zone: Zone,
    bounds: Vec<i64>,
    tallies: Vec<(usize, Tally)>,
}

async fn counted(call: &Call, period: &Period) -> Result<Counted, Problem> {
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let (zone, bounds) = observed(period)?;
    let tallies = counters::between(&call.env, prompt_id, bounds.clone()).await;
    let tallies = tallies.map_err(|error| storage_failure("series", &error))?;
    Ok(Counted { prompt_id, zone, bounds, tallies })
}

/// The time zone over a period, and where the points begin.
fn observed(period: &Period) -> Result<(Zone, Vec<i64>), Problem> {
    let zone = time_zone::observe(&period.tz, &period.window()?)?;
    let bounds = period.bounds(&zone)?;
    Ok((zone, bounds))
}
