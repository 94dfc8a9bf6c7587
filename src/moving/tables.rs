//! What is exported, in the order in which it has to come in again.

use super::internal;
use crate::data::schema::{Column, Kind, Table};
use crate::data::tables;

/// A table of an export.
#[derive(Debug)]
pub struct Moved {
    /// Its name, key and described columns.
    pub table: &'static Table,
    /// Columns that callers may not name.
    pub own: &'static [Column],
    /// What its rows are read from, where that is not the table itself.
    pub source: Option<&'static str>,
    /// Columns that hold bytes; an export has them as digits.
    pub blobs: &'static [&'static str],
    /// Columns that hold numbers with a fraction.
    pub reals: &'static [&'static str],
    /// How a row comes in.
    pub way: Way,
}

/// How a row comes in where one with its key may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is written over the one that stands.
    Over,
    /// One that stands has to be the same: these rows add up, or are numbered by the instance.
    Once,
    /// Likewise, beside counters that have counted it.
    Event,
    /// What stands stays. The count of its template has it already.
    Like,
    /// A place among forks.
    GonePrompt,
    /// Where nothing was rolled up yet.
    Watermark,
    /// As [`Way::Once`], where the watermark came in: these rows hold what was rolled up to there.
    Rolled,
    /// What has a time is taken from what has none.
    Totals,
}

/// A part of an export.
#[derive(Debug)]
pub enum Part {
    /// Rows of a table.
    Rows(Moved),
    /// Nothing was rolled up since the watermark was told: what was told behind it belongs together.
    RollupRests,
    /// The counters of all prompts.
    Counters,
}

const fn of(table: &'static Table, way: Way) -> Moved {
    Moved { table, own: &[], source: None, blobs: &[], reals: &[], way }
}

const IS_COUNTED: Column = Column::new("is_counted", Kind::Boolean).required();
const VERSION: Column = Column::new("version", Kind::Integer).required();

/// Who refers to something stands behind it. The watermark stands before what was rolled up, and declarations and batches behind
/// that: so a cron that runs between any two lines finds nothing to do, or all that it needs. It judges sessions anew by what is
/// declared, and rolls up batches.
pub const PARTS: &[Part] = &[
    Part::Rows(of(&tables::USERS, Way::Over)),
    Part::Rows(of(&tables::PROMPTS, Way::Over)),
    Part::Rows(of(&internal::PROMPT_CREATIONS, Way::Over)),
    Part::Rows(of(&tables::PROMPT_ANSWERS, Way::Over)),
    Part::Rows(of(&tables::TEST_RESULTS, Way::Over)),
    Part::Rows(of(&tables::PROMPT_TEMPLATES, Way::Over)),
    Part::Rows(of(&tables::TEMPLATE_LIKES, Way::Like)),
    Part::Rows(of(&tables::USER_FAVORITES, Way::Over)),
    Part::Rows(of(&tables::PROMPT_FAVORITES, Way::Over)),
    Part::Rows(Moved { own: &[Column::new("payload_digest", Kind::Text)], ..of(&tables::PROMPT_USAGE, Way::Over) }),
    Part::Rows(Moved {
        own: &[Column::new("claimed_by", Kind::Text), IS_COUNTED],
        source: Some("(select *, uncounted_since_ms is null as is_counted from prompt_events)"),
        ..of(&tables::PROMPT_EVENTS, Way::Event)
    }),
    Part::Rows(of(&internal::PROMPT_COMPARISONS, Way::Once)),
    Part::Rows(of(&internal::REMOVED_PROMPT_EVENTS, Way::Once)),
    Part::Rows(Moved {
        source: Some(
            "(select l.prompt_id, above.prompt_id as forked_from \
            from prompt_lineage l join prompt_lineage above on above.place = l.parent where l.user_id is null)",
        ),
        ..of(&internal::GONE_PROMPTS, Way::GonePrompt)
    }),
    Part::Rows(of(&internal::ROLLUP_WATERMARK, Way::Watermark)),
    Part::Rows(Moved { blobs: &["judged_to"], ..of(&internal::EXPERIMENT_ROLLUPS, Way::Rolled) }),
    Part::Rows(Moved { blobs: &["session", "activity"], ..of(&internal::SESSION_STATES, Way::Rolled) }),
    Part::Rows(of(&tables::EXPERIMENT_ANALYTICS_SUMMARY, Way::Rolled)),
    Part::Rows(Moved {
        reals: &["value_sum", "value_sum_of_squares"],
        ..of(&internal::EXPERIMENT_METRICS, Way::Rolled)
    }),
    Part::Rows(Moved { own: &[VERSION], ..of(&tables::EXPERIMENTS, Way::Over) }),
    Part::Rows(of(&internal::EXPERIMENT_NAMES, Way::Over)),
    Part::Rows(Moved { blobs: &["ids"], ..of(&internal::EXPERIMENT_BATCHES, Way::Rolled) }),
    Part::RollupRests,
    Part::Counters,
    Part::Rows(Moved {
        source: Some("(select * from count_totals where quarter >= 0)"),
        ..of(&internal::COUNT_TOTALS, Way::Totals)
    }),
];

/// The table of this name, if it is exported.
#[must_use]
pub fn moved(name: &str) -> Option<&'static Moved> {
    let rows = |part: &'static Part| if let Part::Rows(moved) = part { Some(moved) } else { None };
    PARTS.iter().filter_map(rows).find(|moved| moved.table.name == name)
}

impl Moved {
    /// All of its columns, in the order in which an export has them.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.table.columns.iter().chain(self.own)
    }

    /// Whether a column holds bytes.
    #[must_use]
    pub fn is_blob(&self, column: &str) -> bool {
        self.blobs.contains(&column)
    }

    /// Whether a column holds numbers with a fraction.
    #[must_use]
    pub fn is_real(&self, column: &str) -> bool {
        self.reals.contains(&column)
    }
}
