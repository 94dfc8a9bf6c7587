//! The words of a query, as the index of `migrations/0004_search.sql` has them.
//!
//! Chinese, Japanese and Korean are written without spaces, or with words that are joined to others; so each of their
//! characters is a word of its own in the index, and a run of them is a phrase.

use crate::limits::QUERY_WORDS;

/// Whether a character is a word of its own. The view `prompt_words` sets the same characters apart.
#[must_use]
pub fn stands_alone(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11FF}'     // Hangul letters
        | '\u{2E80}'..='\u{9FFF}'   // radicals, kana, Bopomofo, Hangul letters, ideographs
        | '\u{A960}'..='\u{A97C}'   // Hangul letters
        | '\u{AC00}'..='\u{FAFF}'   // Hangul, compatibility ideographs; between them private use, which is no letter
        | '\u{FF66}'..='\u{FFDC}'   // half-width katakana and Hangul
        | '\u{1AFF0}'..='\u{1B16F}' // historic kana
        | '\u{20000}'..='\u{3FFFD}' // ideographs
    )
}

/// Words of English that say nothing of what a text is about, as PostgreSQL leaves them out of its queries.
const STOP_WORDS: &str = "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she \
    her hers herself it its itself they them their theirs themselves what which who whom this that these those am is are \
    was were be been being have has had having do does did doing a an the and but if or because as until while of at by \
    for with about against between into through during before after above below to from up down in out on off over \
    under again further then once here there when where why how all any both each few more most other some such no nor \
    not only own same so than too very s t can will just don should now";

/// Words that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase {
    /// The words; at least one, none of them without a letter or digit, none with anything that FTS5 gives a meaning.
    words: Vec<String>,
    /// Whether the last one is only the beginning of a word.
    prefix: bool,
}

impl Phrase {
    /// All words of a text in their order, if it has any.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<String> = split(text).into_iter().map(|word| word.text).collect();
        (!words.is_empty()).then_some(Self { words, prefix: false })
    }

    /// The phrases of a text: words with nothing between them but a hyphen or the like, and runs of characters that
    /// stand alone.
    #[must_use]
    pub fn all_of(text: &str) -> Vec<Self> {
        let mut phrases: Vec<Self> = Vec::new();
        for word in split(text) {
            match phrases.last_mut() {
                Some(phrase) if word.continues => phrase.words.push(word.text),
                _ => phrases.push(Self { words: vec![word.text], prefix: false }),
            }
        }
        phrases
    }

    /// The same phrase, its last word being the beginning of a word.
    #[must_use]
    pub fn as_prefix(self) -> Self {
        Self { prefix: true, ..self }
    }

    /// This phrase with `next` right after it; only the last of its words may be the beginning of a word.
    #[must_use]
    pub fn followed_by(mut self, next: Self) -> Self {
        self.words.extend(next.words);
        Self { words: self.words, prefix: next.prefix }
    }

    /// Whether the last word is only the beginning of a word.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// The phrase without the stop words that it begins and ends with; `None` when there are no others.
    #[must_use]
    pub fn without_stop_words(mut self) -> Option<Self> {
        let is_stop_word = |word: &String| STOP_WORDS.split(' ').any(|stop| word.eq_ignore_ascii_case(stop));
        let first = self.words.iter().position(|word| !is_stop_word(word))?;
        let last = self.words.iter().rposition(|word| !is_stop_word(word))?;
        self.words.truncate(last + 1);
        self.words.drain(..first);
        Some(self)
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The parts by which a text that does not hold the phrase may still be about the same: its words, and of characters
    /// that stand alone each pair of neighbours.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        let alone = |word: &String| word.chars().next().is_some_and(stands_alone);
        let part = |words: &[String]| Self { words: words.to_vec(), prefix: false };
        if self.words.len() > 1 && self.words.iter().all(alone) {
            return self.words.windows(2).map(part).collect();
        }
        self.words.chunks(1).map(part).collect()
    }

    /// The phrase as an expression of FTS5.
    #[must_use]
    pub fn expression(&self) -> String {
        let star = if self.prefix { " *" } else { "" };
        format!("\"{}\"{star}", self.words.join(" "))
    }

    /// What to match to find the phrase in these columns of `prompt_search`, separated by spaces.
    #[must_use]
    pub fn matching(&self, columns: &str) -> String {
        format!("{{{columns}}} : {}", self.expression())
    }
}

struct Word {
    text: String,
    /// Whether it belongs to the phrase of the word before it.
    continues: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Something that separates phrases.
    Gap,
    /// A word of letters, or what joins it to the next one.
    Letters,
    /// A character that stands alone.
    Alone,
}

/// The first [`QUERY_WORDS`] words.
fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut before, mut joiners) = (Before::Gap, 0);
    for character in text.chars() {
        if stands_alone(character) && character.is_alphanumeric() {
            words.push(Word { text: character.to_string(), continues: before == Before::Alone });
            before = Before::Alone;
        } else if character.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if before == Before::Letters && joiners == 0 => word.text.push(character),
                _ => words.push(Word { text: character.to_string(), continues: before == Before::Letters }),
            }
            (before, joiners) = (Before::Letters, 0);
        } else if joins(character) && before == Before::Letters && joiners == 0 {
            joiners = 1;
        } else if is_mark(character) && before != Before::Gap && joiners == 0 {
            // A mark on a character that stands alone is not indexed.
            if let (Before::Letters, Some(word)) = (before, words.last_mut()) {
                word.text.push(character);
            }
        } else {
            (before, joiners) = (Before::Gap, 0);
        }
        if words.len() > QUERY_WORDS {
            words.pop();
            break;
        }
    }
    words
}

/// Whether a character between two words makes them one phrase.
fn joins(character: char) -> bool {
    matches!(character, '\'' | '’' | '-' | '‐' | '‑' | '.' | '_' | '@' | '&' | '/')
}

/// Whether a character that is no letter may stand inside a word: combining marks, among symbols that separate for FTS5
/// in any case.
fn is_mark(character: char) -> bool {
    let other = matches!(character,
        '\u{2000}'..='\u{206F}' | '\u{3000}'..='\u{303F}' | '\u{E000}'..='\u{F8FF}' | '\u{FF00}'..='\u{FFEF}');
    character >= '\u{300}' && !other
}
