//! `GET /v1/prompts/{id}/lineage`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{d1, prompt_lookup};
use crate::ancestry::answer::LineageAnswer;
use crate::ancestry::request::Ask;
use crate::ancestry::tree::Forks;
use crate::data::policy::unknown_prompt;
use crate::http::problem::Problem;

/// Tells what a prompt comes from and the tree of its forks; for a cursor, the forks that it stands for.
pub(super) async fn get_lineage(call: &Call) -> Result<Answer, Problem> {
    let ask = Ask::parse(&call.query())?;
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let failed = |error| storage_failure("lineage", &error);
    let database = d1::database(&call.env).map_err(failed)?;
    if let Some(cursor) = &ask.cursor {
        let rows = d1::ancestry::tree(&database, prompt_id, &ask, &call.identity).await.map_err(failed)?;
        return Answer::ok(&Forks::of(Some(&cursor.parent), false, &ask, rows));
    }
    let read = d1::ancestry::line_and_tree(&database, prompt_id, &ask, &call.identity);
    let (line, tree) = read.await.map_err(failed)?;
    Answer::ok(&LineageAnswer::of(&ask, line, tree).ok_or_else(unknown_prompt)?)
}
