//! The tables that callers may not name, as an export has them.

use crate::data::schema::{Column, Kind, Table};

const fn uuid(name: &'static str) -> Column {
    Column::new(name, Kind::Uuid).required()
}

const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text).required()
}

const fn integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer).required()
}

const fn optional_text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

const fn optional_integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer)
}

const fn table(name: &'static str, columns: &'static [Column], key: &'static [&'static str]) -> Table {
    Table { name, columns, key, unique: &[], unlisted: &[] }
}

/// Prompts that were made under a key.
pub const PROMPT_CREATIONS: Table = table(
    "prompt_creations",
    &[
        uuid("user_id").references("users"),
        text("idempotency_key"),
        text("request_digest"),
        uuid("prompt_id"),
        integer("created_ms"),
    ],
    &["user_id", "idempotency_key"],
);

/// How often two prompts were compared.
pub const PROMPT_COMPARISONS: Table = table(
    "prompt_comparisons",
    &[uuid("prompt_id"), uuid("other_id"), integer("comparisons")],
    &["prompt_id", "other_id"],
);

/// Forks and comparisons whose rows were removed for their age.
pub const REMOVED_PROMPT_EVENTS: Table =
    table("removed_prompt_events", &[uuid("prompt_id"), integer("forks"), integer("compares")], &["prompt_id"]);

/// What prompts were forked from that are gone and have forks. What there is comes from there says its own row.
pub const GONE_PROMPTS: Table = table("gone_prompts", &[uuid("prompt_id"), uuid("forked_from")], &["prompt_id"]);

/// Up to where experiment events are rolled up.
pub const ROLLUP_WATERMARK: Table =
    table("rollup_watermark", &[integer("id"), integer("seq"), integer("version")], &["id"]);

/// What was rolled up of each experiment.
pub const EXPERIMENT_ROLLUPS: Table = table(
    "experiment_rollups",
    &[
        integer("experiment"),
        text("experiment_id"),
        text("multi_variant"),
        optional_integer("conversion_window_hours"),
        optional_text("next_multi_variant"),
        optional_integer("next_conversion_window_hours"),
        optional_text("judged_to"),
        integer("unexposed_sessions"),
        integer("multi_variant_sessions"),
        integer("late"),
        integer("duplicates"),
        integer("rejected"),
        integer("unmeasured"),
        optional_integer("sessions_removed_ms"),
    ],
    &["experiment"],
);

/// What the events of each session come down to.
pub const SESSION_STATES: Table = table(
    "session_states",
    &[
        integer("experiment"),
        text("session"),
        optional_text("variant_key"),
        optional_integer("first_exposure_ms"),
        Column::new("is_multi_variant", Kind::Boolean).required(),
        text("activity"),
    ],
    &["experiment", "session"],
);

/// What sessions measured.
pub const EXPERIMENT_METRICS: Table = table(
    "experiment_metrics",
    &[
        text("experiment_id"),
        text("metric"),
        text("variant_key"),
        integer("sessions"),
        integer("value_sessions"),
        integer("value_sum"),
        integer("value_sum_of_squares"),
    ],
    &["experiment_id", "metric", "variant_key"],
);

/// Names of metrics, and of variants that are not declared.
pub const EXPERIMENT_NAMES: Table =
    table("experiment_names", &[text("experiment_id"), text("kind"), text("name")], &["experiment_id", "kind", "name"]);

/// Experiment events as they arrived.
pub const EXPERIMENT_BATCHES: Table = table(
    "experiment_batches",
    &[
        integer("seq"),
        text("experiment_id"),
        integer("number"),
        text("writer"),
        integer("received_ms"),
        integer("event_count"),
        integer("duplicates"),
        integer("rejected"),
        text("ids"),
        Column::new("events", Kind::Json).required(),
    ],
    &["seq"],
);

/// What all counters together counted, by quarters of an hour.
pub const COUNT_TOTALS: Table = table(
    "count_totals",
    &[
        integer("quarter"),
        integer("view_count"),
        integer("visit_count"),
        integer("copy_count"),
        integer("fork_count"),
        integer("compare_count"),
    ],
    &["quarter"],
);
