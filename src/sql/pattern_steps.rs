//! Patterns that are matched step by step: the parts between the `%`, one after another.

use serde_json::json;

use super::pattern::Sign;
use super::statement::Statement;
use crate::json::json_text;

/// Places that are tried in vain for parts with `_` in a pattern of more than 50 bytes: each costs a walk through
/// the rest of the text, and the database has one thread. Only texts that are made for it have as many.
const CANDIDATES: &str = "200";

/// Adds that the parts between the first and the last are found one after another, with room for the last.
pub(super) fn push_steps(statement: &mut Statement, parts: &[Segment], first: &Segment, last: &Segment) {
    statement
        .push("exists (with recursive step (part, at, missed) as (select 0, ")
        .push(&(first.length + 1).to_string());
    statement.push(", 0 union all select part + iif(");
    push_hit(statement);
    statement.push(", 1, 0), ").push(FOUND).push(" + iif(");
    push_hit(statement);
    statement.push(", p.value ->> 'length', 1), missed + iif(");
    push_hit(statement);
    statement.push(", 0, 1) from step join json_each(");
    let parts_json: Vec<_> = parts.iter().map(Segment::json).collect();
    statement.bind_text(json_text(&parts_json));
    statement.push(") p on p.key = step.part where at <= length(x) and missed < ").push(CANDIDATES);
    statement.push(" and instr(substr(x, at + (p.value ->> 'before')), p.value ->> 'anchor') > 0) select 1");
    statement.push(" from step where part = ").push(&parts.len().to_string());
    statement.push(" and at + ").push(&last.length.to_string()).push(" <= length(x) + 1)");
}

/// Where the next part may begin: where the longest of its texts is found next.
const FOUND: &str = "(at + instr(substr(x, at + (p.value ->> 'before')), p.value ->> 'anchor') - 1)";

/// Adds whether it does begin there: its other texts are in their places, and it ends within the subject.
fn push_hit(statement: &mut Statement) {
    statement.push("(").push(FOUND).push(" + (p.value ->> 'length') <= length(x) + 1");
    statement.push(" and not exists (select 1 from json_each(p.value, '$.literals') l where substr(x, ").push(FOUND);
    statement.push(" + (l.value ->> 0), length(l.value ->> 1)) <> l.value ->> 1))");
}

/// Adds that a text stands at a place.
pub(super) fn push_literal(statement: &mut Statement, place: &str, literal: &str) {
    let length = literal.chars().count().to_string();
    statement.push("substr(x, ").push(place).push(", ").push(&length).push(") = ").bind_text(literal);
}

/// What stands between two `%`: its length in characters, and the texts in it with their places.
#[derive(Default)]
pub(super) struct Segment {
    /// Its characters.
    pub(super) length: usize,
    /// The texts in it, with their places.
    pub(super) literals: Vec<(usize, String)>,
}

impl Segment {
    /// The segment of these signs.
    pub(super) fn of(signs: &[Sign]) -> Self {
        let mut literals: Vec<(usize, String)> = Vec::new();
        let mut open = false;
        for (place, sign) in signs.iter().enumerate() {
            match (sign, literals.last_mut()) {
                (Sign::Is(character), Some((_, literal))) if open => literal.push(*character),
                (Sign::Is(character), _) => literals.push((place, character.to_string())),
                _ => {}
            }
            open = matches!(sign, Sign::Is(_));
        }
        Self { length: signs.len(), literals }
    }

    fn json(&self) -> serde_json::Value {
        let longest = self.literals.iter().max_by_key(|(_, literal)| literal.len());
        let (before, anchor) = longest.map_or((0, ""), |(place, literal)| (*place, literal));
        json!({"length": self.length, "before": before, "anchor": anchor, "literals": self.literals})
    }
}
