//! LIKE and ILIKE as PostgreSQL means them, for patterns of any length: D1 matches patterns of 50 bytes.

use std::fmt::Write;

use serde_json::json;

use super::statement::Statement;

/// Bytes of a pattern that D1 matches itself.
const NATIVE_BYTES: usize = 50;
/// Letters of one pattern whose case is folded by the statement; each nests its expression one deeper, of 100.
const FOLDED_LETTERS: usize = 64;

/// The most `%` that a pattern may have.
const WILDCARDS: usize = 64;

/// Places that are tried in vain for parts with `_` in a pattern of more than [`NATIVE_BYTES`]: each costs a walk through
/// the rest of the text, and the database has one thread. Only texts that are made for it have as many.
const CANDIDATES: &str = "200";

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    signs: Vec<Sign>,
    folds_case: bool,
    /// The capitals that the statement folds, with the letters that they become: `lower` knows ASCII only.
    folded: Vec<(char, char)>,
}

/// Why a pattern cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It ends in a backslash that escapes nothing.
    OpenEscape,
    /// It has more letters beyond ASCII than one statement can fold.
    TooManyLetters,
    /// It has more than 64 `%`: each is a walk through the rest of the text.
    TooManyWildcards,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// Any number of any characters.
    Many,
    /// Any character.
    One,
    /// This character.
    Is(char),
}

impl Pattern {
    /// Reads a pattern: `%` is any text, `_` any character, and a backslash takes the meaning from what follows it.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn read(text: &str, folds_case: bool) -> Result<Self, PatternError> {
        let mut signs = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let sign = match character {
                '%' => Sign::Many,
                '_' => Sign::One,
                '\\' => Sign::Is(characters.next().ok_or(PatternError::OpenEscape)?),
                other => Sign::Is(other),
            };
            if sign != Sign::Many || signs.last() != Some(&Sign::Many) {
                signs.push(sign);
            }
        }
        if folds_case {
            for sign in &mut signs {
                if let Sign::Is(character) = sign {
                    *character = lower(*character);
                }
            }
        }
        if signs.iter().filter(|sign| **sign == Sign::Many).count() > WILDCARDS {
            return Err(PatternError::TooManyWildcards);
        }
        let folded = if folds_case { folded_letters(&signs) } else { Vec::new() };
        if folded.len() > FOLDED_LETTERS {
            return Err(PatternError::TooManyLetters);
        }
        Ok(Self { signs, folds_case, folded })
    }

    /// Adds the condition that the text which `text` adds matches.
    pub fn push(&self, statement: &mut Statement, text: &mut dyn FnMut(&mut Statement)) {
        let mut folded = |statement: &mut Statement| self.push_folded(statement, text);
        if let Some(literal) = literal(&self.signs) {
            folded(statement);
            statement.push(" = ").bind_text(literal);
        } else if let Some(literal) = self.contained() {
            statement.push("instr(");
            folded(statement);
            statement.push(", ").bind_text(literal).push(") > 0");
        } else if self.signs.contains(&Sign::One) && self.glob().len() <= NATIVE_BYTES {
            folded(statement);
            statement.push(" glob ").bind_text(self.glob());
        } else {
            self.push_stepwise(statement, &mut folded);
        }
    }

    /// The text between two `%` that are all there is.
    fn contained(&self) -> Option<String> {
        match self.signs.as_slice() {
            [Sign::Many] => Some(String::new()),
            [Sign::Many, inner @ .., Sign::Many] => literal(inner),
            _ => None,
        }
    }

    fn glob(&self) -> String {
        let mut glob = String::new();
        for sign in &self.signs {
            match sign {
                Sign::Many => glob.push('*'),
                Sign::One => glob.push('?'),
                Sign::Is(special @ ('*' | '?' | '[')) => {
                    let _ = write!(glob, "[{special}]");
                }
                Sign::Is(other) => glob.push(*other),
            }
        }
        glob
    }

    /// The text with the case of the pattern's letters folded.
    fn push_folded(&self, statement: &mut Statement, text: &mut dyn FnMut(&mut Statement)) {
        if !self.folds_case {
            return text(statement);
        }
        for _ in &self.folded {
            statement.push("replace(");
        }
        statement.push("lower(");
        text(statement);
        statement.push(")");
        for (upper, lower) in &self.folded {
            statement.push(", ").bind_text(*upper).push(", ").bind_text(*lower).push(")");
        }
    }

    /// Finds the parts between the `%` one after another, each as early as it can be: if the pattern matches at all, it
    /// matches so. The first part stands at the start and the last at the end, unless a `%` is there.
    fn push_stepwise(&self, statement: &mut Statement, text: &mut dyn FnMut(&mut Statement)) {
        let mut parts: Vec<Segment> = self.signs.split(|sign| *sign == Sign::Many).map(Segment::of).collect();
        let last = parts.pop().unwrap_or_default();
        let is_whole = parts.is_empty();
        let first = if is_whole { Segment::default() } else { parts.remove(0) };
        statement.push("(select x is not null and ");
        if parts.is_empty() {
            statement.push(&(first.length + last.length).to_string());
            statement.push(if is_whole { " = length(x)" } else { " <= length(x)" });
        } else {
            push_steps(statement, &parts, &first, &last);
        }
        let at_start = first.literals.into_iter().map(|(offset, literal)| (format!("{}", offset + 1), literal));
        let before_end = last.length.saturating_sub(1);
        let at_end = last.literals.into_iter();
        let at_end = at_end.map(|(offset, literal)| (format!("length(x) + {offset} - {before_end}"), literal));
        let literals: Vec<(String, String)> = at_start.chain(at_end).collect();
        statement.push(if literals.is_empty() { "" } else { " and " });
        statement.push_balanced(&literals, " and ", &mut |statement, (place, literal)| {
            push_literal(statement, place, literal);
        });
        statement.push(" or iif(x is null, null, 0) from (select ");
        text(statement);
        statement.push(" as x))");
    }
}

fn push_steps(statement: &mut Statement, parts: &[Segment], first: &Segment, last: &Segment) {
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
    statement.bind_text(json!(parts_json).to_string());
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

/// The text that signs without wildcards stand for.
fn literal(signs: &[Sign]) -> Option<String> {
    let character = |sign: &Sign| match sign {
        Sign::Is(character) => Some(*character),
        Sign::Many | Sign::One => None,
    };
    signs.iter().map(character).collect()
}

fn push_literal(statement: &mut Statement, place: &str, literal: &str) {
    let length = literal.chars().count().to_string();
    statement.push("substr(x, ").push(place).push(", ").push(&length).push(") = ").bind_text(literal);
}

/// What stands between two `%`: its length in characters, and the texts in it with their places.
#[derive(Default)]
struct Segment {
    length: usize,
    literals: Vec<(usize, String)>,
}

impl Segment {
    fn of(signs: &[Sign]) -> Self {
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

fn lower(character: char) -> char {
    let mut folded = character.to_lowercase();
    match (folded.next(), folded.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

fn folded_letters(signs: &[Sign]) -> Vec<(char, char)> {
    let mut folded: Vec<(char, char)> = Vec::new();
    for sign in signs {
        if let Sign::Is(letter) = *sign
            && !folded.iter().any(|(_, known)| *known == letter)
        {
            folded.extend(capitals(letter).map(|capital| (capital, letter)));
        }
    }
    folded
}

/// The capitals beyond ASCII of a letter.
fn capitals(letter: char) -> impl Iterator<Item = char> {
    let mut raised = letter.to_uppercase();
    let own = raised.next().filter(|own| raised.next().is_none() && !own.is_ascii() && lower(*own) == letter);
    own.filter(|own| *own != letter).into_iter().chain(other_capital(letter))
}

/// The capital that becomes a letter, but that the letter does not become: signs, titles, and capitals that are written
/// with two letters otherwise.
fn other_capital(letter: char) -> Option<char> {
    let after = |distance: u32| char::from_u32(u32::from(letter) + distance);
    match letter {
        'ß' => Some('ẞ'),
        'k' => Some('\u{212A}'),
        'å' => Some('\u{212B}'),
        'ω' => Some('\u{2126}'),
        'θ' => Some('ϴ'),
        'ǆ' | 'ǉ' | 'ǌ' | 'ǳ' => char::from_u32(u32::from(letter) - 1),
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => after(8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => after(9),
        _ => None,
    }
}
