//! The four operators of PostgreSQL's text search, parsed into one closed tree.

use super::words::Phrase;
use crate::limits::{QUERY_NESTING, QUERY_PHRASES};

/// What a text must satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextQuery {
    /// It holds these words, next to each other.
    Phrase(Phrase),
    /// It does not satisfy this.
    Not(Box<TextQuery>),
    /// It satisfies all of these: two or more.
    All(Vec<TextQuery>),
    /// It satisfies one of these: two or more, or none, which no text satisfies.
    Any(Vec<TextQuery>),
}

impl TextQuery {
    /// Whether something of it must not be there.
    #[must_use]
    pub fn negates(&self) -> bool {
        match self {
            Self::Phrase(_) => false,
            Self::Not(_) => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::negates),
        }
    }

    /// What to match to find it in this column of `prompt_search`; `None` where that cannot be told: something of it must
    /// not be there, or nothing satisfies it.
    #[must_use]
    pub fn matching(&self, column: &str) -> Option<String> {
        Some(format!("{{{column}}} : ({})", self.expression()?))
    }

    fn expression(&self) -> Option<String> {
        let (parts, operator) = match self {
            Self::Phrase(phrase) => return Some(phrase.expression()),
            Self::Not(_) => return None,
            Self::All(parts) => (parts, " AND "),
            Self::Any(parts) => (parts, " OR "),
        };
        let parts = parts.iter().map(Self::expression).collect::<Option<Vec<_>>>()?;
        (!parts.is_empty()).then(|| format!("({})", parts.join(operator)))
    }
}

/// All words of a text (`plainto_tsquery`). A text without any is satisfied by nothing.
#[must_use]
pub fn plain(text: &str) -> TextQuery {
    let phrases = Phrase::all_of(text)
        .into_iter()
        .filter_map(Phrase::without_stop_words)
        .take(QUERY_PHRASES)
        .map(TextQuery::Phrase)
        .collect();
    found(joined(phrases, TextQuery::All))
}

/// The words of a text, next to each other (`phraseto_tsquery`).
#[must_use]
pub fn phrase(text: &str) -> TextQuery {
    found(meaning(text).map(TextQuery::Phrase))
}

fn meaning(text: &str) -> Option<Phrase> {
    Phrase::of(text).and_then(Phrase::without_stop_words)
}

/// What people type into a search box (`websearch_to_tsquery`): all words, `"these next to each other"`, `or` between
/// alternatives, `-` before what must not be there.
#[must_use]
pub fn web(text: &str) -> TextQuery {
    let (mut alternatives, mut all) = (Vec::new(), Vec::new());
    let (mut rest, mut negations, mut phrases) = (text, 0_usize, 0);
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        match next {
            '-' => (negations, rest) = (negations + 1, after),
            _ if next.is_whitespace() || is_operator(next) => rest = after,
            _ => {
                let quoted = next == '"';
                let (operand, remaining) = if quoted {
                    after.split_once('"').unwrap_or((after, ""))
                } else {
                    rest.split_at(rest.find(ends_web_word).unwrap_or(rest.len()))
                };
                rest = remaining;
                let is_or = !quoted && negations == 0 && operand.eq_ignore_ascii_case("or");
                if is_or && !all.is_empty() && !remaining.trim().is_empty() {
                    alternatives.extend(joined(std::mem::take(&mut all), TextQuery::All));
                } else if phrases < QUERY_PHRASES {
                    let phrase = meaning(operand).map(TextQuery::Phrase);
                    phrases += usize::from(phrase.is_some());
                    all.extend(phrase.map(|phrase| if negations % 2 == 1 { not(phrase) } else { phrase }));
                }
                negations = 0;
            }
        }
    }
    alternatives.extend(joined(all, TextQuery::All));
    found(joined(alternatives, TextQuery::Any))
}

/// An expression of words with `&`, `|`, `!`, `<->` and parentheses (`to_tsquery`). A word may be quoted, and `:*` after
/// it makes it the beginning of a word.
///
/// # Errors
/// What is wrong with the expression.
pub fn raw(text: &str) -> Result<TextQuery, &'static str> {
    if text.trim().is_empty() {
        return Ok(found(None));
    }
    let mut expression = Expression { rest: text, nesting: 0, phrases: 0 };
    let tree = expression.any()?;
    if expression.peek().is_some() {
        return Err(SYNTAX);
    }
    Ok(found(tree))
}

const SYNTAX: &str = "syntax error in tsquery";
const NO_OPERAND: &str = "no operand in tsquery";
const TOO_LARGE: &str = "tsquery is too large";
const WEIGHTS: &str = "weights are not supported in tsquery";
const DISTANCE: &str = "of the distances in tsquery only <-> is supported";
const PHRASE_OF: &str = "<-> in tsquery is supported between words only";

/// An expression that is being read. Words that hold no letter vanish, as stop words do: their place is `None`.
struct Expression<'a> {
    rest: &'a str,
    nesting: usize,
    phrases: usize,
}

type Part = Result<Option<TextQuery>, &'static str>;

impl Expression<'_> {
    fn any(&mut self) -> Part {
        let mut parts: Vec<TextQuery> = self.all()?.into_iter().collect();
        while self.take("|") {
            parts.extend(self.all()?);
        }
        Ok(joined(parts, TextQuery::Any))
    }

    fn all(&mut self) -> Part {
        let mut parts: Vec<TextQuery> = self.sequence()?.into_iter().collect();
        while self.take("&") {
            parts.extend(self.sequence()?);
        }
        Ok(joined(parts, TextQuery::All))
    }

    fn sequence(&mut self) -> Part {
        let mut sequence = self.operand()?;
        while self.peek() == Some('<') {
            if !self.take("<->") && !self.take("<1>") {
                return Err(if self.distance_follows() { DISTANCE } else { SYNTAX });
            }
            sequence = match (sequence, self.operand()?) {
                (Some(TextQuery::Phrase(first)), Some(TextQuery::Phrase(second))) if !first.is_prefix() => {
                    self.phrases -= 1;
                    Some(TextQuery::Phrase(first.followed_by(second)))
                }
                (Some(only), None) | (None, Some(only)) => Some(only),
                (None, None) => None,
                (Some(_), Some(_)) => return Err(PHRASE_OF),
            };
        }
        Ok(sequence)
    }

    fn operand(&mut self) -> Part {
        match self.peek() {
            None => Err(NO_OPERAND),
            Some('!') => {
                let inner = self.nested(|expression| {
                    expression.take("!");
                    expression.operand()
                });
                Ok(inner?.map(not))
            }
            Some('(') => self.nested(|expression| {
                expression.take("(");
                let inner = expression.any()?;
                if expression.take(")") { Ok(inner) } else { Err(SYNTAX) }
            }),
            Some('&' | '|' | ')' | '<' | ':') => Err(SYNTAX),
            Some(_) => self.word(),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Part) -> Part {
        self.nesting += 1;
        if self.nesting > QUERY_NESTING {
            return Err(TOO_LARGE);
        }
        let inner = read(self)?;
        self.nesting -= 1;
        Ok(inner)
    }

    fn word(&mut self) -> Part {
        let quoted = self.take("'");
        let (mut text, mut closed) = (String::new(), !quoted);
        while let Some(next) = self.rest.chars().next() {
            if quoted && next == '\'' {
                self.skip(next);
                closed = !self.rest.starts_with('\'');
                if closed {
                    break;
                }
            } else if !quoted && (next.is_whitespace() || is_operator(next) || matches!(next, ':' | '<')) {
                break;
            } else if next == '\\' {
                self.skip(next);
            }
            let character = self.rest.chars().next().ok_or(SYNTAX)?;
            text.push(character);
            self.skip(character);
        }
        if !closed {
            return Err(SYNTAX);
        }
        let prefix = self.flags()?;
        let phrase = meaning(&text).map(|phrase| if prefix { phrase.as_prefix() } else { phrase });
        self.phrases += usize::from(phrase.is_some());
        if self.phrases > QUERY_PHRASES { Err(TOO_LARGE) } else { Ok(phrase.map(TextQuery::Phrase)) }
    }

    /// What follows a word after a colon.
    fn flags(&mut self) -> Result<bool, &'static str> {
        let Some(rest) = self.rest.strip_prefix(':') else { return Ok(false) };
        let end = rest.find(|flag| !matches!(flag, '*' | 'a'..='d' | 'A'..='D')).unwrap_or(rest.len());
        let (flags, rest) = rest.split_at(end);
        self.rest = rest;
        match flags {
            "*" => Ok(true),
            "" => Err(SYNTAX),
            _ => Err(WEIGHTS),
        }
    }

    fn distance_follows(&self) -> bool {
        let inner = self.rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(inner, _)| inner);
        inner.is_some_and(|inner| !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, expected: &str) -> bool {
        self.peek();
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self, character: char) {
        self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
    }
}

fn is_operator(character: char) -> bool {
    matches!(character, '&' | '|' | '!' | '(' | ')')
}

fn ends_web_word(character: char) -> bool {
    character.is_whitespace() || character == '"' || is_operator(character)
}

/// One of two negations takes the other away.
fn not(query: TextQuery) -> TextQuery {
    match query {
        TextQuery::Not(inner) => *inner,
        other => TextQuery::Not(Box::new(other)),
    }
}

/// Nothing of no parts, the part itself of one.
fn joined(mut parts: Vec<TextQuery>, join: fn(Vec<TextQuery>) -> TextQuery) -> Option<TextQuery> {
    if parts.len() > 1 { Some(join(parts)) } else { parts.pop() }
}

fn found(query: Option<TextQuery>) -> TextQuery {
    query.unwrap_or(TextQuery::Any(Vec::new()))
}
