//! How likes and uses leave the windows. They are rows, which triggers add to the rankings; what has become too old for a
//! window is taken out of it in slices, each in one transaction with the instant up to which that is done, so that runs
//! that overlap, repeat or break off come to the same.

use super::list::WINDOWS_BY_NAME;
use crate::counting::windows::{WINDOWS, window_start};
use crate::sql::statement::{Statement, Value};
use crate::time::{QUARTER_MS, timestamp_from_ms};

/// Likes, or uses, that leave a window in one transaction; more where many are of the same instant.
pub const LEAVING_ROWS: i64 = 2000;

/// What has become too old for a window at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    column: &'static str,
    left: &'static str,
    /// What is not younger has become too old, as stored.
    through: String,
}

impl Leaving {
    /// What has become too old for each window.
    #[must_use]
    pub fn all(now_ms: i64) -> Vec<Self> {
        let places = 0..WINDOWS.len();
        let windows = WINDOWS_BY_NAME.iter().zip(places).map(|(names, place)| Self {
            column: names.counted,
            left: names.left,
            through: timestamp_from_ms(window_start(place, now_ms) * QUARTER_MS - 1).unwrap_or_default(),
        });
        windows.collect()
    }

    /// Finds where a slice ends: the instants of the last like and the last use of one, which are null where fewer rows
    /// are left than a slice has.
    #[must_use]
    pub fn bound(&self) -> Statement {
        let mut statement = Statement::new("select ");
        for (place, table) in ["template_likes", "prompt_usage"].into_iter().enumerate() {
            statement.push(if place == 0 { "(" } else { ", (" }).push("select created_at from ").push(table);
            self.push_leaving(&mut statement, " where ", "created_at");
            statement.push(" order by created_at limit 1 offset ").bind(Value::Integer(LEAVING_ROWS - 1)).push(")");
        }
        statement
    }

    /// The slice up to an instant that [`Self::bound`] gave; and whether it is the last.
    #[must_use]
    pub fn slice(mut self, like: Option<String>, used: Option<String>) -> (Self, bool) {
        let nearest = like.into_iter().chain(used).min();
        let is_last = nearest.is_none();
        self.through = nearest.unwrap_or(self.through);
        (self, is_last)
    }

    /// Takes the slice out of the window. Two statements of one transaction.
    #[must_use]
    pub fn leave(&self) -> [Statement; 2] {
        let mut subtract = Statement::new("update prompt_rankings set ");
        subtract.push(self.column).push(" = ").push(self.column).push(" - gone.times from (");
        subtract.push("select prompt_id, metric, count(*) as times from (");
        subtract.push("select t.prompt_id as prompt_id, 'like' as metric from template_likes l");
        subtract.push(" join prompt_templates t on t.id = l.template_id");
        self.push_leaving(&mut subtract, " where ", "l.created_at");
        subtract.push(" union all select u.prompt_id, 'use' from prompt_usage u");
        self.push_leaving(&mut subtract, " where ", "u.created_at");
        subtract.push(" union all select u.prompt_id, 'success' from prompt_usage u");
        self.push_leaving(&mut subtract, " where u.success and ", "u.created_at");
        subtract.push(") group by prompt_id, metric) gone");
        subtract.push(" where prompt_rankings.prompt_id = gone.prompt_id and prompt_rankings.metric = gone.metric");
        let mut note = Statement::new("update ranking_windows set ");
        note.push(self.left).push(" = ").bind_text(&self.through).push(" where ").push(self.left).push(" < ");
        note.bind_text(&self.through);
        [subtract, note]
    }

    fn push_leaving(&self, statement: &mut Statement, before: &str, created_at: &str) {
        statement.push(before).push(created_at).push(" > (select ").push(self.left);
        statement.push(" from ranking_windows where id = 1) and ").push(created_at).push(" <= ");
        statement.bind_text(&self.through);
    }
}
