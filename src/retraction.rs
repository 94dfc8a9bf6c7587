//! Taking back what a flagged source added to the counts: which source, of which prompts, and what is answered.

use serde::Serialize;
use uuid::Uuid;

use crate::counting::tally::Tally;
use crate::data::prompt::PromptName;
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{KEY_CHARS, RETRACTED_PROMPTS};
use crate::traffic::address::AddressPrefix;
use crate::traffic::digests::sources;
use crate::traffic::salts::Salts;

/// Prompts of a page, unless the caller says how many.
pub const DEFAULT_LIMIT: i64 = 50;

/// A source, as whoever flags it names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flagged {
    /// Whatever came from addresses with this prefix.
    Address(AddressPrefix),
    /// Whatever a trusted server sent for this visitor.
    Visitor(String),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The source.
    pub flagged: Flagged,
    /// The prompts; `None` is all that were counted lately, a page at a time.
    pub prompts: Option<Vec<PromptName>>,
}

/// Names whatever came without an address, as it does where nothing stands between callers and the worker.
const UNKNOWN: &str = "unknown";

const FIELDS: [&str; 3] = ["ip", "visitor", "prompt_ids"];

impl Flagged {
    /// The digests under which its events were counted today and yesterday.
    #[must_use]
    pub fn sources(&self, salts: Salts) -> [u64; 2] {
        match self {
            Self::Address(prefix) => sources(salts, *prefix, None),
            Self::Visitor(name) => sources(salts, AddressPrefix::Unknown, Some(name)),
        }
    }
}

impl Request {
    /// Reads `{"ip": …}` or `{"visitor": …}`, with `prompt_ids` or without. Another field is refused: without a misspelt
    /// `prompt_ids` far more would be taken back.
    ///
    /// # Errors
    /// [`Code::MissingField`], [`Code::InvalidValue`], [`Code::InvalidType`], [`Code::InvalidLength`],
    /// [`Code::UnknownPrompt`].
    pub fn read(json: &str) -> Result<Self, Problem> {
        let fields = Fields::read(json, "The body")?;
        if let Some(name) = fields.names().find(|name| !FIELDS.contains(name)) {
            let detail = format!("There is no field {name} here. The fields are {}.", FIELDS.join(", "));
            return Err(Problem::at(Code::InvalidValue, format!("/{name}"), detail));
        }
        Ok(Self { flagged: flagged(&fields)?, prompts: prompts(&fields)? })
    }
}

fn flagged(fields: &Fields<'_>) -> Result<Flagged, Problem> {
    let (ip, visitor) = (fields.field("ip"), fields.field("visitor"));
    match (ip.text()?, visitor.key(KEY_CHARS)?) {
        (Some(_), Some(_)) => Err(visitor.problem(Code::InvalidValue, "Send either ip or visitor.")),
        (None, None) => Err(ip.problem(Code::MissingField, "Send ip or visitor: whose counts are taken back.")),
        (None, Some(visitor)) => Ok(Flagged::Visitor(visitor)),
        (Some(text), None) => {
            let prefix = AddressPrefix::of(Some(&text));
            if prefix == AddressPrefix::Unknown && text != UNKNOWN {
                let detail = "ip is an IPv4 or IPv6 address, such as 203.0.113.7, or unknown where there was none.";
                return Err(ip.problem(Code::InvalidValue, detail));
            }
            Ok(Flagged::Address(prefix))
        }
    }
}

fn prompts(fields: &Fields<'_>) -> Result<Option<Vec<PromptName>>, Problem> {
    let field = fields.field("prompt_ids");
    let Some(json) = field.json else { return Ok(None) };
    let texts: Vec<String> = serde_json::from_str(json.get())
        .map_err(|_| field.problem(Code::InvalidType, "prompt_ids must be an array of ids or slugs."))?;
    if texts.is_empty() || texts.len() > RETRACTED_PROMPTS {
        let detail = format!("prompt_ids has 1 to {RETRACTED_PROMPTS} ids or slugs.");
        return Err(field.problem(Code::InvalidLength, detail));
    }
    let name = |(place, text): (usize, &String)| {
        PromptName::parse(text).map_err(|problem| problem.below(&format!("/prompt_ids/{place}")))
    };
    texts.iter().enumerate().map(name).collect::<Result<_, _>>().map(Some)
}

/// What was taken back, of one prompt or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Views.
    pub views: u64,
    /// Copies.
    pub copies: u64,
    /// Visits.
    pub visits: u64,
    /// Visitors.
    pub unique_visitors: u64,
}

impl Taken {
    /// What a counter took back.
    #[must_use]
    pub fn of(tally: &Tally, unique_visitors: u64) -> Self {
        Self { views: tally.views, copies: tally.copies, visits: tally.visits, unique_visitors }
    }

    fn add(&mut self, other: &Self) {
        self.views += other.views;
        self.copies += other.copies;
        self.visits += other.visits;
        self.unique_visitors += other.unique_visitors;
    }
}

/// The answer.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Prompts whose counters were asked.
    pub prompts: usize,
    /// Those of which something was taken back.
    pub retracted: Vec<Retracted>,
    /// What was taken back of all of them.
    pub sum: Taken,
    /// What to ask for as `cursor`, with the same body, to go on with the prompts after these; null at the end.
    pub next_cursor: Option<String>,
}

/// What was taken back of a prompt.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Retracted {
    prompt_id: Uuid,
    taken: Taken,
}

impl Answer {
    /// Adds what a counter said.
    pub fn add(&mut self, prompt_id: Uuid, taken: Taken) {
        self.prompts += 1;
        self.sum.add(&taken);
        if taken != Taken::default() {
            self.retracted.push(Retracted { prompt_id, taken });
        }
    }
}
