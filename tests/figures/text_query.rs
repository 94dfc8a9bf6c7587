//! The operators of PostgreSQL's text search, and what of their text reaches FTS5.

use promptmeter::search::text_query::{TextQuery, phrase, plain, raw, web};
use promptmeter::search::words::Phrase;
use proptest::prelude::*;

/// A tree as a text: phrases as FTS5 takes them, `!`, and `all` and `any` of what is in parentheses.
fn written(query: &TextQuery) -> String {
    let list = |parts: &[TextQuery]| parts.iter().map(written).collect::<Vec<_>>().join(", ");
    match query {
        TextQuery::Phrase(phrase) => phrase.expression(),
        TextQuery::Not(inner) => format!("!{}", written(inner)),
        TextQuery::All(parts) => format!("all({})", list(parts)),
        TextQuery::Any(parts) => format!("any({})", list(parts)),
    }
}

fn check(parse: fn(&str) -> TextQuery, text: &str, expected: &str) {
    assert_eq!(written(&parse(text)), expected, "{text}");
}

#[test]
fn plain_text_asks_for_all_its_words() {
    check(plain, "", "any()");
    check(plain, " \t\n ", "any()");
    check(plain, "!&|() \"'*^:-+{}~,.;", "any()");
    check(plain, "🎉 — …", "any()");
    check(plain, "word", r#""word""#);
    check(plain, "two words", r#"all("two", "words")"#);
    check(plain, "k AND b OR c NOT d NEAR(e, 2)", r#"all("k", "b", "c", "d", "NEAR", "e", "2")"#);
    check(plain, "can't won't node.js TCP/IP k_b x@y.z", r#"all("won", "node js", "TCP IP", "k b", "x y z")"#);
    check(plain, "k--b c - d -e f- k,b", r#"all("k", "b", "c", "d", "e", "f", "k", "b")"#);
    check(plain, "col:x \"y\"* ^z {t}:u", r#"all("col", "x", "y", "z", "u")"#);
    check(plain, "nul\0nul \u{2}mark\u{3} zero\u{200b}width", r#"all("nul", "nul", "mark", "zero", "width")"#);
    check(plain, "cafe\u{301} हिन्दी", "all(\"cafe\u{301}\", \"हिन्दी\")");
}

#[test]
fn characters_that_stand_alone_are_words_of_a_phrase() {
    check(plain, "画像", r#""画 像""#);
    check(plain, "日本語、英語", r#"all("日 本 語", "英 語")"#);
    check(plain, "ChatGPT入門guide", r#"all("ChatGPT", "入 門", "guide")"#);
    check(plain, "이미지 생성", r#"all("이 미 지", "생 성")"#);
    check(plain, "ｶﾞｿﾞｳ", r#""ｶ ﾞ ｿ ﾞ ｳ""#);
    check(plain, "か\u{3099}く", r#""か く""#);
    check(plain, "々ー〇 𠮷野家 ・", r#"all("々 ー 〇", "𠮷 野 家")"#);
}

#[test]
fn a_phrase_keeps_all_words_together() {
    check(phrase, "", "any()");
    check(phrase, "...", "any()");
    check(phrase, "The  Fat, Rats!", r#""Fat Rats""#);
    check(phrase, "to be or not to be", "any()");
    check(phrase, "what a friend of the sea is", r#""friend of the sea""#);
    check(phrase, "learn 日本語 \"now\"", r#""learn 日 本 語""#);
}

#[test]
fn a_search_box_knows_quotes_alternatives_and_exclusions() {
    check(web, "", "any()");
    check(web, "\"", "any()");
    check(web, "fat rat", r#"all("fat", "rat")"#);
    check(web, "\"fat rat\" cat", r#"all("fat rat", "cat")"#);
    check(web, "\"fat rat", r#""fat rat""#);
    check(web, "fat\"rat cat\"dog", r#"all("fat", "rat cat", "dog")"#);
    check(web, "\"fat rat\" or cat dog", r#"any("fat rat", all("cat", "dog"))"#);
    check(web, "k OR b Or c", r#"any("k", "b", "c")"#);
    check(web, "or k", r#""k""#);
    check(web, "k or", r#""k""#);
    check(web, "k or or b", r#"any("k", "b")"#);
    check(web, "k \"or\" b", r#"all("k", "b")"#);
    check(web, "k orb", r#"all("k", "orb")"#);
    check(web, "fat -rat", r#"all("fat", !"rat")"#);
    check(web, "-\"fat rat\"", r#"!"fat rat""#);
    check(web, "- rat", r#"!"rat""#);
    check(web, "--rat", r#""rat""#);
    check(web, "k-b -c-d", r#"all("k b", !"c d")"#);
    check(web, "(k|b)&!c", r#"all("k", "b", "c")"#);
    check(web, "k - ", r#""k""#);
    check(
        web,
        "signal -\"segmentation fault\" or 画像-生成",
        r#"any(all("signal", !"segmentation fault"), "画 像 生 成")"#,
    );
}

fn check_raw(text: &str, expected: Result<&str, &str>) {
    let actual = raw(text).map(|query| written(&query));
    assert_eq!(actual, expected.map(str::to_owned), "{text}");
}

#[test]
fn an_expression_is_read_with_its_priorities() {
    check_raw("", Ok("any()"));
    check_raw("  ", Ok("any()"));
    check_raw("''", Ok("any()"));
    check_raw("fat", Ok(r#""fat""#));
    check_raw("fat & rat", Ok(r#"all("fat", "rat")"#));
    check_raw("fat|rat", Ok(r#"any("fat", "rat")"#));
    check_raw("k | b & !c", Ok(r#"any("k", all("b", !"c"))"#));
    check_raw("(k | b) & c", Ok(r#"all(any("k", "b"), "c")"#));
    check_raw("!(k & b)", Ok(r#"!all("k", "b")"#));
    check_raw("!!k & ! b", Ok(r#"all("k", !"b")"#));
    check_raw("k <-> b & c<->d", Ok(r#"all("k b", "c d")"#));
    check_raw("k <1> b <-> c", Ok(r#""k b c""#));
    check_raw("(k <-> b) <-> (c)", Ok(r#""k b c""#));
    check_raw("sup:* & 'two words':*", Ok(r#"all("sup" *, "two words" *)"#));
    check_raw("k <-> b:*", Ok(r#""k b" *"#));
    check_raw("'it''s' | 'k & b' | k\\&b", Ok(r#"any("k b", "k b")"#));
    check_raw("'日本' & !語", Ok(r#"all("日 本", !"語")"#));
    check_raw("'...' & k", Ok(r#""k""#));
    check_raw("k & !'...'", Ok(r#""k""#));
    check_raw("'...' <-> k", Ok(r#""k""#));
    check_raw("foo-bar", Ok(r#""foo bar""#));
}

#[test]
fn an_expression_that_is_none_is_refused() {
    const SYNTAX: &str = "syntax error in tsquery";
    const NO_OPERAND: &str = "no operand in tsquery";
    for text in [
        "k b",
        "k (b)",
        "k & | b",
        "(k",
        "k)",
        ")",
        "k <-> <-> b",
        "k < b",
        "k <> b",
        "'k",
        "k:",
        "k:x",
        ":*",
        "k\\",
        "()",
    ] {
        check_raw(text, Err(SYNTAX));
    }
    for text in ["k &", "k |", "!", "(", "k <->"] {
        check_raw(text, Err(NO_OPERAND));
    }
    check_raw("k:A", Err("weights are not supported in tsquery"));
    check_raw("k:*b", Err("weights are not supported in tsquery"));
    check_raw("k <2> b", Err("of the distances in tsquery only <-> is supported"));
    for text in ["k <-> (b | c)", "!k <-> b", "k:* <-> b"] {
        check_raw(text, Err("<-> in tsquery is supported between words only"));
    }
    check_raw(&format!("{}k", "!".repeat(16)), Ok(r#""k""#));
    check_raw(&format!("{}k", "!".repeat(17)), Err("tsquery is too large"));
    check_raw(&format!("{}k{}", "(".repeat(17), ")".repeat(17)), Err("tsquery is too large"));
    check_raw(&["k"; 65].join("|"), Err("tsquery is too large"));
}

#[test]
fn what_is_matched_names_the_column_and_quotes_the_words() {
    let phrase = |text: &str| Phrase::of(text).unwrap();
    assert_eq!(phrase("k b").matching("title"), r#"{title} : "k b""#);
    assert_eq!(phrase("k b").as_prefix().matching("title goal"), r#"{title goal} : "k b" *"#);
}

fn leaves(query: &TextQuery) -> Vec<&Phrase> {
    match query {
        TextQuery::Phrase(phrase) => vec![phrase],
        TextQuery::Not(inner) => leaves(inner),
        TextQuery::All(parts) | TextQuery::Any(parts) => parts.iter().flat_map(leaves).collect(),
    }
}

fn check_bounds(query: &TextQuery) {
    let phrases = leaves(query);
    assert!(phrases.len() <= 64);
    for phrase in phrases {
        assert!((1..=1000).contains(&phrase.words().len()));
        for word in phrase.words() {
            assert!(word.chars().any(char::is_alphanumeric), "{word:?}");
            assert!(word.chars().all(|character| character.is_alphanumeric() || character >= '\u{300}'), "{word:?}");
        }
    }
}

#[test]
fn a_long_text_is_cut() {
    for parse in [plain, phrase, web] {
        for text in ["word ", "日本", "日 ", "a-", "\"a b\" or -"] {
            check_bounds(&parse(&text.repeat(20_000)));
        }
    }
}

proptest! {
    #[test]
    fn nothing_of_a_text_reaches_fts5_but_words(text in "([a-c日本ｶ\u{301}\0\"'*^:()&|!<>\\\\ -]|or|AND|<->|:\\*|\\PC){0,40}") {
        for query in [plain(&text), phrase(&text), web(&text)] {
            check_bounds(&query);
        }
        if let Ok(query) = raw(&text) {
            check_bounds(&query);
        }
    }
}
