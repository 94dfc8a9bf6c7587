//! A use of a prompt, as a caller tells it.

use serde::Serialize;
use uuid::Uuid;

use crate::counting::id_digest::digest;
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{ERROR_MESSAGE_BYTES, GENERATION_TIME_MS, KEY_CHARS};

/// One use of a prompt, in its context. It is written as JSON for the statement that stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The prompt.
    pub prompt_id: Uuid,
    /// The post that it was used for.
    pub post_id: Option<String>,
    /// The character.
    pub character_id: Option<String>,
    /// The job that generated.
    pub job_id: Option<String>,
    /// The scene.
    pub scene: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The outfit.
    pub outfit: Option<String>,
    /// The prompt's text, as it was filled in.
    pub prompt: Option<String>,
    /// The same of what was not wanted.
    pub negative_prompt: Option<String>,
    /// Whether something was generated.
    pub success: bool,
    /// How long that took, in milliseconds: 0 to [`GENERATION_TIME_MS`].
    pub generation_time_ms: Option<i64>,
    /// Why nothing was generated.
    pub error_message: Option<String>,
}

impl Usage {
    /// Reads the fields of a `usage` event; without `success` it is one.
    ///
    /// # Errors
    /// [`Code::MissingField`], and whatever is wrong with a field.
    pub fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        const KEYS: [&str; 6] = ["post_id", "character_id", "job_id", "scene", "environment", "outfit"];
        let mut keys = [const { None }; 6];
        for (key, name) in keys.iter_mut().zip(KEYS) {
            *key = fields.field(name).key(KEY_CHARS)?;
        }
        let [post_id, character_id, job_id, scene, environment, outfit] = keys;
        let prompt_id = fields.field("prompt_id");
        let success = fields.field("success").boolean()?.unwrap_or(true);
        Ok(Self {
            prompt_id: prompt_id.required(prompt_id.uuid()?)?,
            post_id,
            character_id,
            job_id,
            scene,
            environment,
            outfit,
            prompt: fields.field("prompt").text()?,
            negative_prompt: fields.field("negative_prompt").text()?,
            success,
            generation_time_ms: generation_time(fields)?,
            error_message: error_message(fields, success)?,
        })
    }

    /// Digests all that makes a repeated event the same event, whose act it was included, to 8 hexadecimal digits. The time
    /// is not part of it, for a retry may tell it anew, and ids are compared within a prompt only.
    #[must_use]
    pub fn digest(&self, id: &str, user: Option<Uuid>) -> String {
        let user = user.map(|user| user.to_string());
        let success = self.success.then(|| "true".to_owned());
        let time = self.generation_time_ms.map(|time| time.to_string());
        let fields = [
            ("user", &user),
            ("post_id", &self.post_id),
            ("character_id", &self.character_id),
            ("job_id", &self.job_id),
            ("scene", &self.scene),
            ("environment", &self.environment),
            ("outfit", &self.outfit),
            ("prompt", &self.prompt),
            ("negative_prompt", &self.negative_prompt),
            ("success", &success),
            ("generation_time_ms", &time),
            ("error_message", &self.error_message),
        ];
        let told = fields.iter().filter_map(|(name, value)| Some([*name, value.as_deref()?]));
        let payload: Vec<&str> = told.flatten().collect();
        format!("{:08x}", digest(id, &payload).payload)
    }
}

fn generation_time(fields: &Fields<'_>) -> Result<Option<i64>, Problem> {
    let field = fields.field("generation_time_ms");
    let time = field.integer()?;
    if time.is_some_and(|time| !(0..=GENERATION_TIME_MS).contains(&time)) {
        let detail = format!("generation_time_ms is a whole number from 0 to {GENERATION_TIME_MS}.");
        return Err(field.problem(Code::InvalidValue, detail));
    }
    Ok(time)
}

fn error_message(fields: &Fields<'_>, success: bool) -> Result<Option<String>, Problem> {
    let field = fields.field("error_message");
    let message = field.text()?;
    match &message {
        Some(_) if success => {
            Err(field.problem(Code::InvalidValue, "error_message is told of a failure: success must be false."))
        }
        Some(message) if message.len() > ERROR_MESSAGE_BYTES => {
            Err(field.problem(Code::TooLarge, format!("error_message has at most {ERROR_MESSAGE_BYTES} bytes.")))
        }
        _ => Ok(message),
    }
}
