//! A prompt that a caller makes: its row, its answers, and the key under which it is made once.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::policy::require_user;
use super::prompt::PromptRow;
use super::tables::PROMPTS;
use crate::counting::id_digest::digest_key;
use crate::http::field::Field;
use crate::http::fields::Fields;
use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};
use crate::limits::PROMPT_ANSWERS;

/// A prompt to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The prompt.
    pub prompt: PromptRow,
    /// Its answers, in their order.
    pub answers: Vec<AnswerRow>,
}

/// A row of `prompt_answers` to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerRow {
    /// Its id.
    pub id: Uuid,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// Its place among the answers of the prompt.
    pub position: i64,
}

impl Creation {
    /// Reads the body of `POST /v1/prompts`: the columns of a prompt, and `answers`. A user makes prompts of their own,
    /// the service those of the `user_id` that it names.
    ///
    /// # Errors
    /// What is wrong with a field, or that the service named no user; [`Code::UserRequired`], [`Code::ServiceRequired`].
    pub fn read(text: &str, identity: &Identity, mut new_id: impl FnMut() -> Uuid) -> Result<Self, Problem> {
        let fields = Fields::read(text, "The body")?;
        let known: Vec<&str> = PROMPTS.column_names().chain(["answers"]).collect();
        fields.refuse_unknown(&known)?;
        let id = fields.field("id").uuid()?.unwrap_or_else(&mut new_id);
        let prompt = PromptRow::read_as(&fields, id, owner(&fields.field("user_id"), identity)?)?;
        let answers = match fields.get("answers").filter(|json| json.get() != "null") {
            Some(json) => read_answers(json, &mut new_id).map_err(|problem| problem.below("/answers"))?,
            None => Vec::new(),
        };
        Ok(Self { prompt, answers })
    }
}

fn owner(user_id: &Field<'_>, identity: &Identity) -> Result<Uuid, Problem> {
    let named = user_id.uuid()?;
    match (identity, named) {
        (Identity::Service(_), Some(named)) => Ok(named),
        (Identity::Service(user), None) => user_id.required(user.as_ref().map(|user| user.id)),
        (_, None) => require_user(identity).map(|user| user.id),
        (_, Some(named)) => {
            let user = require_user(identity)?;
            let refused =
                || user_id.problem(Code::ServiceRequired, "A user makes prompts of their own: leave user_id out.");
            if named == user.id { Ok(named) } else { Err(refused()) }
        }
    }
}

fn read_answers(json: &RawValue, new_id: &mut impl FnMut() -> Uuid) -> Result<Vec<AnswerRow>, Problem> {
    let elements: Vec<&RawValue> = serde_json::from_str(json.get())
        .map_err(|_| Problem::at(Code::InvalidType, "", "answers must be an array of objects."))?;
    if elements.len() > PROMPT_ANSWERS {
        return Err(Problem::at(
            Code::TooLarge,
            "",
            format!("A prompt is made with at most {PROMPT_ANSWERS} answers."),
        ));
    }
    let mut answers = Vec::with_capacity(elements.len());
    for (index, element) in (0_i64..).zip(elements) {
        let answer = read_answer(element, index, new_id).map_err(|problem| problem.below(&format!("/{index}")))?;
        answers.push(answer);
    }
    Ok(answers)
}

fn read_answer(element: &RawValue, index: i64, new_id: &mut impl FnMut() -> Uuid) -> Result<AnswerRow, Problem> {
    let fields = Fields::read(element.get(), "An answer")?;
    fields.refuse_unknown(&["id", "question", "answer", "position"])?;
    let (question, answer) = (fields.field("question"), fields.field("answer"));
    Ok(AnswerRow {
        id: fields.field("id").uuid()?.unwrap_or_else(new_id),
        question: question.required(question.text()?)?,
        answer: answer.required(answer.text()?)?,
        position: position(&fields.field("position"))?.unwrap_or(index),
    })
}

fn position(field: &Field<'_>) -> Result<Option<i64>, Problem> {
    let position = field.integer()?;
    if position.is_some_and(|position| i32::try_from(position).is_err()) {
        return Err(field.problem(Code::InvalidValue, "position is a whole number of at most 32 bits."));
    }
    Ok(position)
}

/// The key under which a user makes a prompt once within 24 hours, and what tells a repeated request from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationKey {
    /// The header `Idempotency-Key`.
    pub key: String,
    /// A digest of what is asked for.
    pub request_digest: String,
}

impl CreationKey {
    /// The key of a request: `what` is asked for, with this body.
    #[must_use]
    pub fn new(key: String, what: &str, body: &str) -> Self {
        Self { key, request_digest: format!("{:016x}", digest_key(&format!("{what}\n{body}"))) }
    }
}
