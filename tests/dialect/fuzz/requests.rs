//! Requests of anything, and of words that mean something.

use super::*;

/// Words of the languages that requests are written in.
const WORDS: &[&str] = &[
    "*",
    ",",
    ",",
    "(",
    ")",
    "(",
    ")",
    ".",
    ".",
    ":",
    "!",
    "!inner",
    "!left",
    "!user_id",
    "::",
    "->",
    "->>",
    "...",
    "\"",
    "\\",
    " ",
    "%",
    "_",
    "'",
    ";",
    "--",
    "id",
    "title",
    "goal",
    "is_public",
    "created_at",
    "user_id",
    "category",
    "likes_count",
    "prompts",
    "users",
    "prompt_answers",
    "prompt_templates",
    "prompt_stats",
    "template_likes",
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "like",
    "ilike",
    "is",
    "in",
    "not",
    "not.",
    "and",
    "or",
    "and(",
    "or(",
    "not.and(",
    "fts",
    "plfts",
    "wfts",
    "phfts",
    "null",
    "true",
    "desc",
    "asc",
    "nullsfirst",
    "nullslast",
    "title.eq.a",
    "id.is.null",
    "prompts.title.ilike.%a%",
    "prompts(title)",
    "prompts!inner(*)",
    "users(id)",
    "{",
    "}",
    "[",
    "]",
    "{\"title\":\"a\"}",
    "\"title\"",
    "return=representation",
    "count=exact",
    "resolution=merge-duplicates",
    "missing=default",
    "application/json",
    "text/csv",
    "application/vnd.pgrst.object+json",
    ";nulls=stripped",
    "0-9",
    "items=",
    "-",
    "1",
    "99999999999",
    "é",
    "東京",
    "\0",
    "\n",
    "00000000-0000-0000-0000-00000000000a",
    "in.(",
    "cs.",
    "\u{1F600}",
];

fn soup() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..14).prop_map(|words| words.concat());
    prop_oneof![4 => words, 1 => ".{0,24}"]
}

/// Texts that the languages have, which soup rarely is.
fn select() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&["*", "id", "created_at", "x:id", "\"id\"", "title", "\"a \\\"b\":id"][..])
        .prop_map(str::to_owned);
    let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    leaf.prop_recursive(4, 12, 4, move |inner| {
        let hints = prop::sample::select(&["", "!inner", "!left"][..]);
        (prop::sample::select(tables.clone()), hints, prop::collection::vec(inner, 0..4))
            .prop_map(|(table, hint, inner)| format!("{table}{hint}({})", inner.join(",")))
    })
}

fn condition() -> impl Strategy<Value = String> {
    let names = ["id", "title", "category", "prompts.title", "users.email", "is_public", "created_at", "likes_count"];
    let tests = [
        "eq.a",
        "neq.\"a,b\"",
        "is.null",
        "not.is.null",
        "ilike.%a, b)%",
        "like.a_*",
        "in.(a,\"b\")",
        "in.()",
        "gt.2026-11-20",
        "eq.true",
        "eq.7",
        "ilike.%ÀÉß%_%",
        "not.in.(a)",
        "like.%________________________________________________________x%",
        "wfts.a or b",
        "fts.a&!b",
    ];
    let leaf = (prop::sample::select(names.to_vec()), prop::sample::select(tests.to_vec()))
        .prop_map(|(name, test)| format!("{name}.{test}"));
    leaf.prop_recursive(5, 16, 4, |inner| {
        (prop::sample::select(&["and", "or", "not.and", "not.or"][..]), prop::collection::vec(inner, 1..4))
            .prop_map(|(operator, inner)| format!("{operator}({})", inner.join(",")))
    })
}

fn any_table() -> impl Strategy<Value = &'static str> {
    prop::sample::select(TABLES).prop_map(|table| table.name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn soup_never_panics(
        table in any_table(),
        name in soup(),
        texts in prop::collection::vec(soup(), 8),
        body in prop_oneof![soup().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
    ) {
        let headers = RequestHeaders {
            accept: Some(texts[0].clone()),
            prefer: Some(texts[1].clone()),
            range: Some(texts[2].clone()),
            profile: None,
        };
        read(table, &[("select", &texts[3]), (&name, &texts[4])], &headers, &body);
        let none = RequestHeaders::default();
        for pair in [("select", &texts[3]), (name.as_str(), &texts[4]), ("order", &texts[5]), ("or", &texts[6]), ("columns", &texts[7]), ("on_conflict", &texts[7])] {
            read(table, &[(pair.0, pair.1)], &none, &body);
        }
        let _ = Arguments::of_body(&body).and_then(|arguments| Function::read("get_popular_templates", &arguments));
        let _ = Arguments::of_parameters(&parameters(&[(&name, &texts[0])])).and_then(|arguments| Function::read(&texts[1], &arguments));
    }

    #[test]
    fn what_can_be_read_is_sql_that_is_prepared(
        table in any_table(),
        select in prop::collection::vec(select(), 1..4),
        conditions in prop::collection::vec(condition(), 1..5),
        order in prop::sample::select(&["id", "created_at.desc,id", "prompts(title).desc", "users(email),id.nullsfirst"][..]),
    ) {
        let (select, group) = (select.join(","), format!("({})", conditions.join(",")));
        let none = RequestHeaders::default();
        let body = br#"{"user_id":"00000000-0000-0000-0000-00000000000a","title":"a"}"#;
        read(table, &[("select", &select), ("or", &group), ("order", order), ("limit", "3"), ("prompts.limit", "2")], &none, body);
        read(table, &[("select", &select), ("or", &group)], &none, body);
        read(table, &[("select", &select), ("order", order)], &none, body);
        read(table, &[("select", &select)], &none, body);
    }
}

#[test]
fn the_words_make_requests_that_are_read() {
    let none = RequestHeaders::default();
    assert!(read(
        "prompts",
        &[("select", "*,prompt_answers!inner(*)"), ("or", "(prompt_answers.answer.eq.a)")],
        &none,
        b"{\"title\":\"a\"}"
    ));
    assert!(!read("prompts", &[("select", "*,")], &none, b""));
}
