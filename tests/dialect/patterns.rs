//! LIKE and ILIKE on SQLite, against a matcher of their definition.

use promptmeter::rest::rows::Cell;
use promptmeter::sql::pattern::{Pattern, PatternError};
use promptmeter::sql::statement::{Statement, Value};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::database;

/// What SQLite says; `None` for null.
fn matched(database: &Connection, pattern: &str, folds_case: bool, text: Option<&str>) -> Option<bool> {
    let mut statement = Statement::new("select (");
    let value = text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    Pattern::read(pattern, folds_case).unwrap().push(&mut statement, &mut |statement| _ = statement.push("x.text"));
    statement.push(") from (select ").bind(value).push(" as text) x");
    let rows = database::run(database, &statement).unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
    match rows[0][0] {
        Cell::Null => None,
        Cell::Number(number) => Some(number > 0.5),
        Cell::Text(_) => panic!("{pattern:?} gives a text"),
    }
}

/// A character's only lower case, or else itself.
fn folded(character: char) -> char {
    let lower: Vec<char> = character.to_lowercase().collect();
    if lower.len() == 1 { lower[0] } else { character }
}

/// The definition: `reachable[i]` tells whether the pattern so far matches the first `i` characters.
fn is_match(pattern: &str, folds_case: bool, text: &str) -> bool {
    let fold = |character: char| if folds_case { folded(character) } else { character };
    let text: Vec<char> = text.chars().map(fold).collect();
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        let mut next = vec![false; text.len() + 1];
        match sign {
            '%' => {
                let mut any = false;
                for (place, reached) in next.iter_mut().enumerate() {
                    any |= reachable[place];
                    *reached = any;
                }
            }
            sign => {
                let wanted = match sign {
                    '_' => None,
                    '\\' => Some(fold(signs.next().unwrap())),
                    other => Some(fold(other)),
                };
                for (place, &character) in text.iter().enumerate() {
                    next[place + 1] = reachable[place] && wanted.is_none_or(|wanted| wanted == character);
                }
            }
        }
        reachable = next;
    }
    reachable[text.len()]
}

fn check(database: &Connection, pattern: &str, text: &str) {
    for folds_case in [false, true] {
        let expected = is_match(pattern, folds_case, text);
        let actual = matched(database, pattern, folds_case, Some(text));
        assert_eq!(actual, Some(expected), "{text:?} like {pattern:?}, case folded: {folds_case}");
    }
    assert_eq!(matched(database, pattern, true, None), None, "null like {pattern:?}");
    assert_eq!(matched(database, pattern, false, None), None, "null like {pattern:?}");
}

/// A pattern that is written with one of these, and none of the others.
fn check_way(pattern: &str, way: &str) {
    let mut statement = Statement::new("select ");
    Pattern::read(pattern, false).unwrap().push(&mut statement, &mut |statement| _ = statement.push("text"));
    let ways: Vec<_> = ["select text = ?", "instr(text, ", " glob ", "from (select"]
        .into_iter()
        .filter(|way| statement.text().contains(way))
        .collect();
    assert_eq!(ways, [way], "{pattern:?}: {}", statement.text());
}

/// All ways find the same; what is sought as it stands costs the least, and long patterns the database does not take.
#[test]
fn a_pattern_is_written_in_the_simplest_way_for_it() {
    for literal in ["", "a", "\\%", "*"] {
        check_way(literal, "select text = ?");
    }
    for contained in ["%", "%%", "%a%", "%a\\_b%"] {
        check_way(contained, "instr(text, ");
    }
    for wild in ["_", "a_", "%a_b%", &format!("_{}", "a".repeat(49))] {
        check_way(wild, " glob ");
    }
    for stepwise in ["a%", "%a", "%a%b%", &format!("_{}", "a".repeat(50)), &format!("_{}", "*".repeat(17))] {
        check_way(stepwise, "from (select");
    }
}

#[test]
fn patterns_of_every_form_match_what_they_should() {
    let database = database::open();
    let long = "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor";
    let patterns = [
        "", "%", "%%", "_", "__", "%_", "_%", "%_%", "a", "A", "a%", "%a", "%a%", "a%b", "%a%b%", "a_b", "%a_b%",
        "\\%", "%\\%%", "\\_", "%\\_%", "\\\\", "\\a", "%[a]%", "[a]", "[a]_", "%_[a]", "_a]", "?_*", "[^a]", "*", "?",
        "a*", "%?%", "]", "%東京%", "東_", "%é%", "É%", "%😀%", "_😀", "%ß%", "%ẞ%", "ı", "İ", "i%", "K", "k", "%ſ%",
        "%s%", "Σ", "ς", "%a%a%a%", "a%a", "%ab%ab%", "%a_a%b", "a%ab%b",
    ];
    let texts = [
        "",
        "a",
        "A",
        "ab",
        "aab",
        "abab",
        "abb",
        "aabb",
        "a%b",
        "a_b",
        "%",
        "_",
        "\\",
        "[a]",
        "b[a]",
        "[a]b",
        "a]b",
        "?x*",
        "*",
        "?",
        "]",
        "東京",
        "東京都",
        "é",
        "É",
        "e\u{301}",
        "😀",
        "x😀y",
        "ß",
        "ẞ",
        "ı",
        "İ",
        "I",
        "K",
        "\u{212a}",
        "k",
        "ſ",
        "S",
        "Σ",
        "ς",
        "σ",
        "aaa",
        "a\nb",
        long,
    ];
    for pattern in patterns {
        for text in texts {
            check(&database, pattern, text);
        }
    }
}

#[test]
fn patterns_beyond_what_d1_matches_itself_match_alike() {
    let database = database::open();
    let long = "The quick brown fox jumps over the lazy dog, and the lazy dog does not mind at all; 東京 é😀.";
    let patterns = [
        long.to_owned(),
        long.to_uppercase(),
        format!("%{long}%"),
        format!("{long}%"),
        format!("%{long}"),
        format!("{long}_"),
        format!("_{}", &long[1..]),
        format!("%{}", &long[1..]),
        long.replace(' ', "_"),
        long.replace(' ', "%"),
        long.replace('o', "%"),
        format!("%{}%", long.replace("lazy", "____")),
        format!("%{}%", long.replace("lazy", "___")),
        "%the%lazy%dog%mind%東京%_%".to_owned(),
        format!("%{}%", "_".repeat(60)),
        format!("%{}", "_".repeat(120)),
        "_".repeat(long.chars().count()),
        format!("{}%", "_".repeat(long.chars().count())),
        format!("{}%", "_".repeat(long.chars().count() + 1)),
        "%a_____________________________________________________________________b%c%".to_owned(),
    ];
    for pattern in &patterns {
        for text in [long, "", "a", &long.to_lowercase(), &long.replace("lazy", "mad"), &format!("{long}{long}")] {
            check(&database, pattern, text);
        }
    }
}

#[test]
fn a_pattern_may_be_as_long_as_a_query_string() {
    let database = database::open();
    let text = "word, and another; 東京 ".repeat(60);
    for pattern in [format!("%{text}%"), format!("%{}%", text.replace(' ', "_")), text.replace(", ", "%")] {
        check(&database, &pattern, &text);
        check(&database, &pattern, &text.replace("another", "brother"));
    }
}

/// Each text between two wildcards is compared by itself.
#[test]
fn a_pattern_may_have_many_wildcards() {
    let database = database::open();
    for count in [20, 40, 60, 80, 100, 150] {
        for (pattern, most) in [("a_", 150), ("a%", 60), ("ab_%", 60), ("É_", 150)] {
            let pattern = pattern.repeat(count.min(most));
            for text in ["aé".repeat(count), "abé".repeat(count), "Éa".repeat(count), "b".to_owned()] {
                check(&database, &pattern, &text);
                check(&database, &format!("%{pattern}x"), &format!("{text}x"));
            }
        }
    }
}

#[test]
fn a_pattern_has_at_most_64_walks_through_the_text() {
    assert!(Pattern::read(&"a%".repeat(64), false).is_ok());
    assert_eq!(Pattern::read(&"a%".repeat(65), false), Err(PatternError::TooManyWildcards));
}

#[test]
fn a_pattern_has_at_most_64_letters_that_are_folded() {
    // Letters beyond ASCII of which each has one capital.
    let letters: Vec<char> =
        ('ա'..='ֆ').chain('ѐ'..='џ').chain('а'..='к').filter(|letter| *letter != 'в' && *letter != 'д').collect();
    assert!(letters.len() > 60);
    let pattern = |count: usize| -> String {
        letters.iter().chain(&['ñ', 'ç', 'é', 'ü', 'ő', 'ğ', 'ş']).take(count).collect()
    };
    assert!(Pattern::read(&pattern(64), true).is_ok());
    assert_eq!(Pattern::read(&pattern(65), true), Err(PatternError::TooManyLetters));
    assert!(Pattern::read(&pattern(65), false).is_ok());
}

#[test]
fn every_letter_is_found_whatever_its_case() {
    let database = database::open();
    let letters = || ('\0'..=char::MAX).skip(1);
    let mut checked = 0;
    for upper in letters() {
        let lower = folded(upper);
        if lower == upper {
            continue;
        }
        checked += 1;
        for (pattern, text) in [(lower, upper), (upper, lower)] {
            let (pattern, text) = (pattern.to_string(), text.to_string());
            assert_eq!(matched(&database, &pattern, true, Some(&text)), Some(true), "{text} ilike {pattern}");
            assert_eq!(matched(&database, &pattern, false, Some(&text)), Some(false), "{text} like {pattern}");
        }
    }
    assert!(checked > 1400, "{checked}");
}

#[test]
fn a_pattern_with_as_many_letters_as_a_statement_folds_is_prepared() {
    let database = database::open();
    let greek: String = ('α'..='ω').chain('а'..='џ').collect();
    let taken: Vec<usize> = (1..=greek.chars().count())
        .filter(|&count| Pattern::read(&greek.chars().take(count).collect::<String>(), true).is_ok())
        .collect();
    let most: String = greek.chars().take(*taken.last().unwrap()).collect();
    assert!(taken.len() >= 60, "{}", taken.len());
    for pattern in [most.clone(), format!("%{most}%"), format!("%{most}%x%_"), format!("{most}_%")] {
        check(&database, &pattern, &format!("{}x", most.to_uppercase()));
    }
    let more: String = ('α'..='ω').chain('а'..='џ').chain('ա'..='ֆ').collect();
    assert_eq!(Pattern::read(&more, true), Err(PatternError::TooManyLetters));
    assert!(Pattern::read(&more, false).is_ok());
}

#[test]
fn an_open_escape_is_refused() {
    for (pattern, expected) in [("\\", true), ("a\\", true), ("a\\\\", false), ("a\\\\\\", true), ("\\%", false)] {
        assert_eq!(Pattern::read(pattern, false).err() == Some(PatternError::OpenEscape), expected, "{pattern}");
    }
}

/// Characters that have a meaning somewhere, and letters of every width.
fn character() -> impl Strategy<Value = char> {
    prop::sample::select("aaabbAB%%%__*?[]^\\-'\"éÉßẞσςΣжЖ東京アé😀\u{301}İıK\u{212a} \n".chars().collect::<Vec<_>>())
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(character(), 0..longest).prop_map(String::from_iter)
}

/// A pattern that often matches: a text of which parts are replaced by wildcards.
fn pattern_of(text: &str, choices: &[u8]) -> String {
    let mut pattern = String::new();
    for (place, character) in text.chars().enumerate() {
        match choices.get(place % choices.len().max(1)).copied().unwrap_or(9) {
            0 => pattern.push('%'),
            1 => pattern.push('_'),
            2 => pattern.extend(["%", "%"]),
            3 => pattern.extend(character.to_uppercase()),
            _ if matches!(character, '%' | '_' | '\\') => pattern.extend(['\\', character]),
            _ => pattern.push(character),
        }
    }
    pattern
}

fn is_readable(pattern: &str) -> bool {
    Pattern::read(pattern, true).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_patterns_match_by_their_definition(pattern in text(12), texts in prop::collection::vec(text(12), 4)) {
        prop_assume!(is_readable(&pattern));
        DATABASE.with(|database| texts.iter().for_each(|text| check(database, &pattern, text)));
    }

    #[test]
    fn patterns_made_of_texts_match_by_their_definition(
        text in text(90),
        choices in prop::collection::vec(0_u8..14, 1..7),
        other in text(90),
    ) {
        let pattern = pattern_of(&text, &choices);
        prop_assume!(is_readable(&pattern));
        DATABASE.with(|database| {
            check(database, &pattern, &text);
            check(database, &pattern, &other);
            check(database, &format!("%{pattern}%"), &format!("{other}{text}{other}"));
        });
    }
}

thread_local! {
    /// One database for all cases of a property: they read no table.
    static DATABASE: Connection = database::open();
}
