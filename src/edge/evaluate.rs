//! `POST /v1/experiments/evaluate`.

use super::answer::Answer;
use super::call::Call;
use crate::http::body;
use crate::http::problem::Problem;
use crate::verdict::evaluation::Evaluation;

/// Judges an experiment by counts that the caller brings. Nothing is stored.
pub(super) async fn post_evaluate(mut call: Call) -> Result<Answer, Problem> {
    body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?;
    let bytes = call.body().await?;
    let evaluation = Evaluation::read(body::text(&bytes)?)?;
    Answer::ok(&evaluation.answer())
}
