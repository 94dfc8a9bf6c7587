//! `GET /v1/prompts/{id}/live`: a prompt's counts as they move.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, prompt_lookup};
use crate::counting::protocol::Command;
use crate::http::problem::{Code, Problem};
use crate::limits::EVENT_STREAM_ID_CHARS;
use crate::live::counts::MEDIA_TYPE;
use crate::live::listener::Listen;

/// Passes on the stream of the prompt's counter.
pub(super) async fn get_live(call: &Call) -> Result<Answer, Problem> {
    let prompt = prompt_lookup::visible(call).await?;
    // What is longer is none of ours.
    let last_event_id = call.header("Last-Event-ID").filter(|id| id.len() <= EVENT_STREAM_ID_CHARS);
    let answer = if call.head.method() == "HEAD" {
        Answer::text(200, String::new(), MEDIA_TYPE)
    } else {
        let prompt_id = prompt.id;
        let command = Command::Listen(Listen { prompt, last_event_id });
        let stream = counters::listen(&call.env, prompt_id, &command).await;
        let stream = stream.map_err(|error| storage_failure("live", &error))?;
        Answer::stream(stream.ok_or_else(too_many)?, MEDIA_TYPE)
    };
    // Nobody on the way may keep it, pack it, or wait until there is more of it.
    Ok(answer.header("Cache-Control", "no-store, no-transform".to_owned()).header("X-Accel-Buffering", "no".to_owned()))
}

fn too_many() -> Problem {
    Problem::new(Code::TooManyListeners, "As many listen to this prompt as may. Ask for its stats meanwhile.")
}
