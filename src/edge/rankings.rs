//! `GET /v1/prompts/top/{list}`, and what the cron does for the lists.

use worker::{D1Database, Result};

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::http::problem::Problem;
use crate::rankings::answer::PageAnswer;
use crate::rankings::leaving::Leaving;
use crate::rankings::page::Page;

/// Slices that one run of the cron takes out of a window.
const SLICES: usize = 20;

/// Tells a page of a list.
pub(super) async fn get_top(call: &Call) -> std::result::Result<Answer, Problem> {
    let page = Page::parse(&call.id, &call.query())?;
    let found = match d1::database(&call.env) {
        Ok(database) => d1::rankings::page(&database, &page, call.now_ms).await,
        Err(error) => Err(error),
    };
    let mut found = found.map_err(|error| storage_failure("rankings", &error))?;
    Answer::ok(&PageAnswer::of(&page, &mut found, call.now_ms))
}

/// Takes what has become too old out of the windows.
pub(super) async fn leave_windows(database: &D1Database, now_ms: i64) -> Result<()> {
    for leaving in Leaving::all(now_ms) {
        for _ in 0..SLICES {
            if d1::rankings::leave(database, &leaving).await? {
                break;
            }
        }
    }
    Ok(())
}
