//! LIKE and ILIKE as PostgreSQL means them, for patterns of any length: D1 matches patterns of 50 bytes.

use std::fmt::Write;

use super::letter_case::{capitals, lower};
use super::pattern_steps::{Segment, push_literal, push_steps};
use super::statement::Statement;

/// Bytes of a pattern that D1 matches itself.
const NATIVE_BYTES: usize = 50;
/// Letters of one pattern whose case is folded by the statement.
const FOLDED_LETTERS: usize = 64;
/// Letters whose case one expression folds; each nests it one deeper.
const FOLDED_AT_ONCE: usize = 8;

/// The most `%` that a pattern may have.
const WILDCARDS: usize = 64;

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
pub(super) enum Sign {
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
        push_folded(statement, &self.folded, text);
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

/// Adds the text with these letters folded. Many are folded one after the other, for D1 lets expressions nest 100 deep.
fn push_folded(statement: &mut Statement, folded: &[(char, char)], text: &mut dyn FnMut(&mut Statement)) {
    if folded.len() > FOLDED_AT_ONCE {
        let (upper, lower): (String, String) = folded.iter().copied().unzip();
        statement.push("(with recursive folded(place, y) as (select 0, lower(");
        text(statement);
        statement.push(") union all select place + 1, replace(y, substr(").bind_text(upper);
        statement.push(", place + 1, 1), substr(").bind_text(lower).push(", place + 1, 1)) from folded where place < ");
        statement.push(&folded.len().to_string()).push(") select y from folded where place = ");
        statement.push(&folded.len().to_string()).push(")");
        return;
    }
    for _ in folded {
        statement.push("replace(");
    }
    statement.push("lower(");
    text(statement);
    statement.push(")");
    for (upper, lower) in folded {
        statement.push(", ").bind_text(*upper).push(", ").bind_text(*lower).push(")");
    }
}

/// The text that signs without wildcards stand for.
fn literal(signs: &[Sign]) -> Option<String> {
    let character = |sign: &Sign| match sign {
        Sign::Is(character) => Some(*character),
        Sign::Many | Sign::One => None,
    };
    signs.iter().map(character).collect()
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
