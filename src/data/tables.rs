//! The tables that callers may name. The migrations make them; a test compares the two.

use super::schema::{Check, Column, Default, Kind, Table};
use crate::limits::{EVENT_ID_CHARS, KEY_CHARS};

/// Every table that callers may name.
pub const TABLES: &[&Table] = &[
    &USERS,
    &PROMPTS,
    &PROMPT_ANSWERS,
    &TEST_RESULTS,
    &PROMPT_TEMPLATES,
    &TEMPLATE_LIKES,
    &USER_FAVORITES,
    &PROMPT_FAVORITES,
    &PROMPT_USAGE,
    &PROMPT_EVENTS,
    &PROMPT_STATS,
    &EXPERIMENTS,
    &ANALYTICS_EVENTS,
    &EXPERIMENT_SESSIONS,
    &EXPERIMENT_ANALYTICS_SUMMARY,
];

/// The table of this name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|table| table.name == name)
}

const fn uuid(name: &'static str) -> Column {
    Column::new(name, Kind::Uuid)
}

const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

const fn key_text(name: &'static str) -> Column {
    text(name).where_value(Check::Characters(KEY_CHARS))
}

const fn integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer)
}

const fn count(name: &'static str) -> Column {
    integer(name).or(Default::Zero)
}

const fn flag(name: &'static str, default: Default) -> Column {
    Column::new(name, Kind::Boolean).or(default)
}

const fn now(name: &'static str) -> Column {
    Column::new(name, Kind::Timestamp).or(Default::Now)
}

const fn id() -> Column {
    uuid("id").or(Default::NewId)
}

const fn prompt_id() -> Column {
    uuid("prompt_id").required().references("prompts")
}

const fn template_id() -> Column {
    uuid("template_id").required().references("prompt_templates")
}

const fn user_id() -> Column {
    uuid("user_id").or(Default::Caller).references("users")
}

/// The id of a row that is sent as an event, too: the sender's, or a new one.
const fn event_id() -> Column {
    text("id").or(Default::NewId).where_value(Check::Key(EVENT_ID_CHARS))
}

/// The user whose event a row is; null where the service told it and named nobody.
const fn event_user_id() -> Column {
    Column { nullable: true, ..user_id() }
}

/// Users, made on first sight.
pub const USERS: Table = Table {
    name: "users",
    columns: &[id(), text("email").where_value(Check::Characters(crate::limits::EMAIL_CHARS)), now("created_at")],
    key: &["id"],
    unique: &[],
    unlisted: &[],
};

/// Prompts.
pub const PROMPTS: Table = Table {
    name: "prompts",
    columns: &[
        id(),
        text("slug").where_value(Check::NoUuid(KEY_CHARS)),
        user_id(),
        text("title").required().searchable(),
        text("goal").searchable(),
        text("template").required().searchable(),
        Column::new("variables", Kind::Json),
        text("negative_prompt"),
        key_text("category"),
        Column::new("tags", Kind::TextArray),
        flag("is_public", Default::False),
        flag("is_active", Default::True),
        uuid("forked_from"),
        now("created_at"),
        now("updated_at"),
    ],
    key: &["id"],
    unique: &[&["slug"]],
    unlisted: &[],
};

/// The questions that a prompt was made from, and their answers.
pub const PROMPT_ANSWERS: Table = Table {
    name: "prompt_answers",
    columns: &[
        id(),
        prompt_id(),
        text("question").required(),
        text("answer").required(),
        integer("position").or(Default::Zero),
        now("created_at"),
        now("updated_at"),
    ],
    key: &["id"],
    unique: &[],
    unlisted: &[],
};

/// What came of trying a prompt.
pub const TEST_RESULTS: Table = Table {
    name: "test_results",
    columns: &[
        id(),
        prompt_id(),
        user_id(),
        key_text("model"),
        text("input"),
        text("output"),
        integer("rating"),
        integer("duration_ms"),
        now("created_at"),
    ],
    key: &["id"],
    unique: &[],
    unlisted: &[],
};

/// Prompts that are offered as templates.
pub const PROMPT_TEMPLATES: Table = Table {
    name: "prompt_templates",
    columns: &[
        id(),
        prompt_id(),
        key_text("category"),
        Column::new("tags", Kind::TextArray),
        count("likes_count"),
        count("uses_count"),
        now("created_at"),
        now("updated_at"),
    ],
    key: &["id"],
    unique: &[],
    unlisted: &[],
};

/// Who likes which template.
pub const TEMPLATE_LIKES: Table = Table {
    name: "template_likes",
    columns: &[template_id(), user_id(), now("created_at")],
    key: &["template_id", "user_id"],
    unique: &[],
    unlisted: &[],
};

/// Templates that users keep at hand.
pub const USER_FAVORITES: Table = Table {
    name: "user_favorites",
    columns: &[user_id(), template_id(), now("created_at")],
    key: &["user_id", "template_id"],
    unique: &[],
    unlisted: &[],
};

/// Prompts that users keep at hand.
pub const PROMPT_FAVORITES: Table = Table {
    name: "prompt_favorites",
    columns: &[user_id(), prompt_id(), now("created_at")],
    key: &["user_id", "prompt_id"],
    unique: &[],
    unlisted: &[],
};

/// What became of each use of a prompt.
pub const PROMPT_USAGE: Table = Table {
    name: "prompt_usage",
    columns: &[
        event_id(),
        prompt_id(),
        event_user_id(),
        key_text("post_id"),
        key_text("character_id"),
        key_text("job_id"),
        key_text("scene"),
        key_text("environment"),
        key_text("outfit"),
        text("prompt"),
        text("negative_prompt"),
        flag("success", Default::True),
        integer("generation_time_ms"),
        text("error_message"),
        now("created_at"),
    ],
    key: &["prompt_id", "id"],
    unique: &[],
    unlisted: &[],
};

/// Forks and comparisons.
pub const PROMPT_EVENTS: Table = Table {
    name: "prompt_events",
    columns: &[
        event_id(),
        prompt_id(),
        event_user_id(),
        text("event_type").required(),
        uuid("child_prompt_id"),
        key_text("comparison_id"),
        now("created_at"),
    ],
    key: &["prompt_id", "id"],
    unique: &[],
    unlisted: &[],
};

/// Snapshots of the counters.
pub const PROMPT_STATS: Table = Table {
    name: "prompt_stats",
    columns: &[
        prompt_id(),
        integer("view_count").required(),
        integer("copy_count").required(),
        integer("fork_count").required(),
        integer("compare_count").required(),
        count("visit_count"),
        count("unique_visitors"),
        now("updated_at"),
    ],
    key: &["prompt_id"],
    unique: &[],
    unlisted: &[("version", "0")],
};

/// Declared experiments.
pub const EXPERIMENTS: Table = Table {
    name: "experiments",
    columns: &[
        key_text("id").required(),
        key_text("project_id"),
        text("name").required(),
        text("multi_variant").required(),
        integer("conversion_window_hours"),
        text("hypothesis"),
        Column::new("variants", Kind::Json),
        Column::new("coverage", Kind::Json).required(),
        key_text("seed"),
        integer("hash_version").required(),
        Column::new("namespace", Kind::Json),
        text("status").required(),
        integer("started_ms"),
        integer("stopped_ms"),
        integer("created_ms"),
        integer("updated_ms"),
    ],
    key: &["id"],
    unique: &[],
    unlisted: &[],
};

/// Experiment events as they arrived: a view of the batches that they are stored in.
pub const ANALYTICS_EVENTS: Table = Table {
    name: "analytics_events",
    columns: &[
        integer("seq").required(),
        key_text("experiment_id").required(),
        text("event_id").where_value(Check::Characters(EVENT_ID_CHARS)),
        text("event_type").required(),
        key_text("project_id"),
        key_text("session_id").required(),
        key_text("variant_key"),
        key_text("view_id"),
        integer("timestamp_ms").required(),
        Column::new("properties", Kind::Json),
    ],
    key: &["seq"],
    unique: &[],
    unlisted: &[],
};

/// The sessions of experiments, by the first 128 bits of their ids' SHA-256: a view of their packed states.
pub const EXPERIMENT_SESSIONS: Table = Table {
    name: "experiment_sessions",
    columns: &[
        key_text("experiment_id").required(),
        key_text("session").required(),
        key_text("variant_key"),
        integer("first_exposure_ms"),
        flag("is_multi_variant", Default::False),
    ],
    key: &["experiment_id", "session"],
    unique: &[],
    unlisted: &[],
};

/// The hourly figures of experiments.
pub const EXPERIMENT_ANALYTICS_SUMMARY: Table = Table {
    name: "experiment_analytics_summary",
    columns: &[
        key_text("experiment_id").required(),
        key_text("variant_key").required(),
        text("date").required(),
        integer("hour").required(),
        count("sessions"),
        count("pageviews"),
        count("pageview_sessions"),
        count("exposures"),
        count("exposure_sessions"),
        count("conversions"),
        count("conversion_sessions"),
        count("new_exposed_sessions"),
        count("new_converted_sessions"),
    ],
    key: &["experiment_id", "date", "hour", "variant_key"],
    unique: &[],
    unlisted: &[],
};
