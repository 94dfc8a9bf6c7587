//! What FTS5 is asked to match.

use super::request::{Breadth, Search};
use super::words::Phrase;
use crate::limits::SEARCH_PHRASES;

/// A text of more phrases than this is a sentence: the template that it is about need not hold all of them, and one that
/// does may do so because it is long.
const SENTENCE_PHRASES: usize = 8;

/// One way to look for what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How much of the text a template must hold.
    pub breadth: Breadth,
    /// What FTS5 is to match, unless it is everything.
    pub expression: Option<String>,
}

impl Search {
    /// What to match, in the order in which it is tried until something is found; nothing for a text without any word.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        let Some(text) = &self.text else {
            // Categories have an index of their own.
            let expression = self.tag.is_some().then(|| self.marks());
            return vec![Attempt { breadth: Breadth::All, expression }];
        };
        let mut phrases = Phrase::all_of(text);
        phrases.truncate(SEARCH_PHRASES);
        let is_sentence = phrases.len() > SENTENCE_PHRASES;
        let mut parts: Vec<Phrase> = phrases.iter().flat_map(Phrase::parts).collect();
        for list in [&mut phrases, &mut parts] {
            // What was typed last may be the beginning of a word.
            let last = list.pop().map(Phrase::as_prefix);
            list.extend(last);
        }
        let title = phrases.iter().cloned().reduce(Phrase::followed_by).filter(|_| phrases.len() > 1);
        let mut attempts = Vec::new();
        if !is_sentence && !phrases.is_empty() {
            attempts.push(self.attempt(Breadth::All, &phrases, title.as_ref()));
        }
        if is_sentence || parts.len() > 1 {
            attempts.push(self.attempt(Breadth::Any, &parts, title.as_ref()));
        }
        attempts.retain(|attempt| self.after.as_ref().is_none_or(|place| place.breadth == attempt.breadth));
        attempts
    }

    /// The words of the text count once more where a title has them one after the other.
    fn attempt(&self, breadth: Breadth, phrases: &[Phrase], title: Option<&Phrase>) -> Attempt {
        let mut expressions: Vec<String> = Vec::new();
        for phrase in phrases {
            let expression = phrase.expression();
            if expressions.len() < SEARCH_PHRASES && !expressions.contains(&expression) {
                expressions.push(expression);
            }
        }
        let all = expressions.join(if breadth == Breadth::All { " AND " } else { " OR " });
        let title = title.map_or(String::new(), |title| format!(" OR {}", title.matching("title")));
        let expression = format!("{} AND ({{title goal template tags}} : ({all}){title})", self.marks());
        Attempt { breadth, expression: Some(expression) }
    }

    /// The words of the column `marks` by which templates are filtered, as the view `prompt_template_words` makes them.
    fn marks(&self) -> String {
        let mut marks = vec!["\"is\"".to_owned()];
        let filters = [("in", &self.category), ("of", &self.tag)];
        marks.extend(filters.iter().filter_map(|(kind, value)| value.as_ref().map(|value| mark(kind, value))));
        format!("{{marks}} : ({})", marks.join(" AND "))
    }
}

fn mark(kind: &str, value: &str) -> String {
    let digits = value.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    format!("\"{kind}{hex}\"")
}
