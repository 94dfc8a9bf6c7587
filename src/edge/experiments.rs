//! `PUT /v1/experiments/{id}` and `GET /v1/experiments/{id}/assignment`.

use worker::{D1Database, Error};

use super::answer::{Answer, JSON};
use super::call::{Call, storage_failure};
use super::{d1, recorders};
use crate::experiments::decision::{Decision, decide};
use crate::experiments::declaration::{Declaration, Status};
use crate::experiments::declaring::{check_id, read_unit};
use crate::experiments::experiment::Experiment;
use crate::http::body;
use crate::http::problem::{Code, Problem};

/// How often a declaration is decided anew when another one came between: of those that meet, one is stored each time.
const ATTEMPTS: usize = 20;

/// Declares an experiment, or changes its declaration.
pub(super) async fn put_experiment(mut call: Call) -> Result<Answer, Problem> {
    check_id(&call.id)?;
    body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?;
    let bytes = call.body().await?;
    let text = body::text(&bytes)?;
    let database = database(&call)?;
    for _ in 0..ATTEMPTS {
        let known = find(&database, &call.id).await?;
        let status = known.as_ref().map_or(Status::Running, |known| known.declaration.status);
        let declaration = Declaration::read(text, &call.id, status)?;
        let is_over = d1::declarations::is_over(&database, &call.id).await.map_err(failure)?;
        let (experiment, is_new) = match decide(known, declaration, is_over, call.now_ms)? {
            Decision::Keep(experiment) => (experiment, false),
            Decision::Store(experiment) => (experiment, true),
        };
        let (json, version) = (experiment.json(&call.id), experiment.version);
        let is_stored = !is_new
            || d1::declarations::store(&database, &call.id, &json, version, call.now_ms).await.map_err(failure)?;
        if is_stored {
            // Also where nothing is new: the request before may have ended here.
            recorders::forget_declaration(&call.env, &call.id).await.map_err(failure)?;
            return Ok(Answer::text(if is_new && version == 1 { 201 } else { 200 }, json, JSON));
        }
    }
    Err(Problem::new(Code::StorageUnavailable, "Others declare this experiment all the time. Try again later."))
}

/// Tells which variant a unit has.
pub(super) async fn get_assignment(call: &Call) -> Result<Answer, Problem> {
    let query = call.query();
    let unit = read_unit(query.get("unit"))?;
    let unknown = || Problem::new(Code::UnknownExperiment, "No experiment with this id is declared.");
    let experiment = find(&database(call)?, &call.id).await?.ok_or_else(unknown)?;
    Answer::ok(&experiment.declaration.assign(unit).answer(&call.id, unit))
}

fn database(call: &Call) -> Result<D1Database, Problem> {
    d1::database(&call.env).map_err(failure)
}

async fn find(database: &D1Database, id: &str) -> Result<Option<Experiment>, Problem> {
    d1::declarations::find(database, id).await.map_err(failure)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it")]
fn failure(error: Error) -> Problem {
    storage_failure("experiments", &error)
}
