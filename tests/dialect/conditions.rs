//! From the conditions of a request to the closed form.

use promptmeter::limits::{CONDITION_NESTING, CONDITIONS, LISTED_VALUES, READ_ROWS};
use promptmeter::rest::error::ErrorCode;
use promptmeter::rest::query::{Comparison, Condition, Test};
use promptmeter::search::text_query::{self, TextQuery};
use promptmeter::sql::statement::Value;

use crate::database::request;

/// A condition as text: `title = 'a'`, `all(…; …)`, `1.title ~ 'a%'` of the embedded rows at place 1.
fn shown(condition: &Condition) -> String {
    let joined = |parts: &[Condition]| parts.iter().map(shown).collect::<Vec<_>>().join("; ");
    match condition {
        Condition::Not(inner) => format!("not({})", shown(inner)),
        Condition::All(parts) => format!("all({})", joined(parts)),
        Condition::Any(parts) => format!("any({})", joined(parts)),
        Condition::Test(embed, column, test) => {
            let embed = embed.map(|place| format!("{place}.")).unwrap_or_default();
            format!("{embed}{} {}", column.name, shown_test(test))
        }
    }
}

fn shown_test(test: &Test) -> String {
    match test {
        Test::Compare(comparison, value) => format!("{} {}", operator(*comparison), shown_value(value)),
        Test::Like(pattern) => shown_pattern(&format!("{pattern:?}")),
        Test::In(values) => format!("in {}", values.iter().map(shown_value).collect::<Vec<_>>().join(" ")),
        Test::IsNull => "null".to_owned(),
        Test::Is(value) => format!("is {value}"),
        Test::Search(query) => format!("has {}", shown_search(query)),
    }
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
    }
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("'{text}'"),
    }
}

/// `~ 'a%'`, or `~* 'a%'` where case is folded, from how a pattern is printed for debugging.
fn shown_pattern(debug: &str) -> String {
    let operator = if debug.contains("folds_case: true") { "~*" } else { "~" };
    let mut text = String::new();
    let mut rest = debug;
    while let Some(place) = rest.find(['M', 'O', 'I']) {
        rest = &rest[place..];
        if let Some(after) = rest.strip_prefix("Many") {
            text.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("One") {
            text.push('_');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("Is('") {
            let after = after.strip_prefix('\\').unwrap_or(after);
            let character = after.chars().next().unwrap();
            text.push(character);
            rest = &after[character.len_utf8()..];
        } else {
            rest = &rest[1..];
        }
    }
    format!("{operator} '{text}'")
}

fn shown_search(query: &TextQuery) -> String {
    let joined = |parts: &[TextQuery], sign: &str| parts.iter().map(shown_search).collect::<Vec<_>>().join(sign);
    match query {
        TextQuery::Phrase(phrase) => phrase.words().join(" "),
        TextQuery::Not(inner) => format!("!{}", shown_search(inner)),
        TextQuery::All(parts) => format!("({})", joined(parts, " & ")),
        TextQuery::Any(parts) => format!("({})", joined(parts, " | ")),
    }
}

const PROMPTS_SELECT: &str = "id,users(id),prompt_answers(id),owner:users(email)";

fn read(name: &str, value: &str) -> Result<String, (ErrorCode, String)> {
    let pairs = [("select", PROMPTS_SELECT), (name, value)];
    let request = request("prompts", &pairs).map_err(|error| {
        let told = [Some(error.message), error.details, error.hint].into_iter().flatten();
        (error.code, told.collect::<Vec<_>>().join(" "))
    })?;
    let nested = request.query.embeds().flat_map(|(place, embed)| {
        embed.query.conditions.iter().map(move |condition| format!("within {place}: {}", shown(condition)))
    });
    Ok(request.query.conditions.iter().map(shown).chain(nested).collect::<Vec<_>>().join(", "))
}

fn check(name: &str, value: &str, expected: &str) {
    assert_eq!(read(name, value).as_deref(), Ok(expected), "{name}={value}");
}

fn check_refused(name: &str, value: &str, code: ErrorCode, named: &str) {
    let (actual, told) = read(name, value).expect_err(&format!("{name}={value}"));
    assert_eq!(actual, code, "{name}={value}: {told}");
    assert!(told.contains(named), "{name}={value}: {told}");
}

const ID: &str = "00000000-0000-0000-0000-00000000000a";

#[test]
fn every_operator_is_a_test_of_the_columns_kind() {
    check("title", "eq.a", "title = 'a'");
    check("title", "neq.a", "title <> 'a'");
    check("title", "gt.a", "title > 'a'");
    check("title", "gte.a", "title >= 'a'");
    check("title", "lt.a", "title < 'a'");
    check("title", "lte.a", "title <= 'a'");
    check("title", "eq.", "title = ''");
    check("title", "eq.a.b,c)(\"", "title = 'a.b,c)(\"'");
    check("title", "eq.\"quoted\"", "title = '\"quoted\"'");
    check("title", "eq.not.null", "title = 'not.null'");
    check("title", "like.a*b%_\\_", "title ~ 'a%b%__'");
    check("title", "ilike.%Ab%", "title ~* '%ab%'");
    check("title", "is.null", "title null");
    check("title", "is.NULL", "title null");
    check("title", "not.is.null", "not(title null)");
    check("title", "in.(a,b)", "title in 'a' 'b'");
    check("title", "in.()", "title in ");
    check("title", "in.(\"a,b\",\"c\\\"\\\\)\", d)", "title in 'a,b' 'c\"\\)' ' d'");
    check("title", "not.in.(a)", "not(title in 'a')");
    check("title", "not.eq.a", "not(title = 'a')");
    check("\"title\"", "eq.a", "title = 'a'");
    check("is_public", "is.true", "is_public is true");
    check("is_public", "is.False", "is_public is false");
    check("is_public", "is.unknown", "is_public null");
    check("is_public", "eq.true", "is_public = 1");
    check("is_public", "in.(t,f)", "is_public in 1 0");
    check("id", "eq.00000000-0000-0000-0000-00000000000A", &format!("id = '{ID}'"));
    check("id", &format!("in.({ID})"), &format!("id in '{ID}'"));
    check("created_at", "gte.2026-11-20", "created_at >= '2026-11-20T00:00:00.000000+00:00'");
    check("created_at", "lt.2026-11-20T12:00:00.5+02:00", "created_at < '2026-11-20T10:00:00.500000+00:00'");
}

#[test]
fn searches_are_read_as_their_operator_says() {
    check("title", "fts.k&b", "title has (k & b)");
    check("title", "fts(english).k|b", "title has (k | b)");
    check("goal", "plfts.k b", "goal has (k & b)");
    check("template", "phfts.k b", "template has k b");
    check("title", "wfts.k or -b", "title has (k | !b)");
    check("title", "not.wfts.k", "not(title has k)");
    check_refused("title", "fts.a &", ErrorCode::InvalidSearch, "tsquery");
    check_refused("title", "wfts(german).a", ErrorCode::Unsupported, "german");
    check_refused("category", "fts.a", ErrorCode::Unsupported, "category");
    assert_eq!(shown_search(&text_query::plain("")), "()");
}

/// As PostgreSQL reads them.
#[test]
fn true_and_false_have_many_names() {
    for (names, number) in
        [(["1", "on", "t", "tru", "y", "yes", " TRUE "], 1), (["0", "of", "off", "f", "false", "n", "No"], 0)]
    {
        for name in names {
            check("is_public", &format!("eq.{name}"), &format!("is_public = {number}"));
        }
    }
    for name in ["", "o", "2", "01", "truee", "onn", "offf", "yn"] {
        check_refused("is_public", &format!("eq.{name}"), ErrorCode::InvalidText, "boolean");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for other in ["match", "imatch", "isdistinct", "cs", "cd", "ov", "sl", "sr", "nxl", "nxr", "adj"] {
        check_refused("title", &format!("{other}.a"), ErrorCode::Unsupported, &format!("\"{other}\""));
        check_refused("or", &format!("(title.{other}.a)"), ErrorCode::Unsupported, &format!("\"{other}\""));
    }
    check_refused("title", "eq(any).{a,b}", ErrorCode::Unsupported, "\"eq\"");
    check_refused("title", "like(all).{a,b}", ErrorCode::Unsupported, "\"like\"");
    check_refused("variables", "eq.1", ErrorCode::Unsupported, "variables");
    check_refused("tags", "in.(a)", ErrorCode::Unsupported, "tags");
    check_refused("tags", "like.a", ErrorCode::Unsupported, "tags");
    check_refused("id", "ilike.a", ErrorCode::Unsupported, "ilike");
    check_refused("is_public", "like.t", ErrorCode::Unsupported, "is_public");
    for value in ["true", "false", "unknown"] {
        check_refused("title", &format!("is.{value}"), ErrorCode::Unsupported, "title");
    }
    check_refused("title", "is.empty", ErrorCode::Unsupported, "is.empty");
    check_refused("variables->a", "eq.1", ErrorCode::Unsupported, "the JSON operator");
    check_refused("or", "(variables->>a.eq.1)", ErrorCode::Unsupported, "the JSON operator");
    check_refused("title", "a", ErrorCode::Unsupported, "an operator");
    check_refused("title", "", ErrorCode::Unsupported, "an operator");
    check_refused("title", "eq", ErrorCode::Unsupported, "\".\"");
    check_refused("title", "not.not.eq.a", ErrorCode::Unsupported, "an operator");
    check_refused("title", "in.a", ErrorCode::Unsupported, "\"(\"");
    check_refused("title", "in.(a", ErrorCode::Unsupported, "\")\"");
    check_refused("title", "in.(a)b", ErrorCode::Unsupported, "the end");
    check_refused("nothing", "eq.a", ErrorCode::UnknownColumn, "prompts.nothing");
    check_refused("title;", "eq.a", ErrorCode::Unsupported, ";");
    check_refused("claimed_by", "eq.a", ErrorCode::UnknownColumn, "claimed_by");
}

#[test]
fn malformed_values_are_told_as_their_kind() {
    check_refused("id", "eq.a", ErrorCode::InvalidText, "uuid");
    check_refused("id", "in.(a)", ErrorCode::InvalidText, "uuid");
    check_refused(
        "id",
        &format!("eq.{}", "é".repeat(100)),
        ErrorCode::InvalidText,
        &format!("\"{}\"", "é".repeat(100)),
    );
    check_refused(
        "id",
        &format!("eq.{}x", "é".repeat(100)),
        ErrorCode::InvalidText,
        &format!("\"{}\"", "é".repeat(100)),
    );
    check_refused("is_public", "eq.maybe", ErrorCode::InvalidText, "boolean");
    check_refused("created_at", "eq.yesterday", ErrorCode::InvalidDatetime, "timestamp");
    check_refused("title", "eq.a\0", ErrorCode::InvalidCharacter, "U+0000");
    check_refused("title", "like.a\0", ErrorCode::InvalidCharacter, "U+0000");
    check_refused("title", "like.a\\", ErrorCode::InvalidEscape, "escape");
    check_refused("or", "(title.ilike.a\\)", ErrorCode::InvalidEscape, "escape");
    let number =
        |value: &str| request("prompt_stats", &[("view_count", value)]).map(|_| ()).map_err(|error| error.code);
    assert_eq!(number("eq.12"), Ok(()));
    assert_eq!(number("eq.9007199254740992"), Ok(()));
    assert_eq!(number("eq.9007199254740993"), Err(ErrorCode::OutOfRange));
    for malformed in ["eq.1.5", "eq.", "eq.1e3", "eq.abc", "eq.0x10"] {
        assert_eq!(number(malformed), Err(ErrorCode::InvalidText), "{malformed}");
    }
}

#[test]
fn groups_nest_and_are_negated() {
    check("or", "(title.eq.a,goal.is.null)", "any(title = 'a'; goal null)");
    check("and", "(title.eq.a,goal.is.null)", "all(title = 'a'; goal null)");
    check("not.or", "(title.eq.a)", "not(any(title = 'a'))");
    check("not.and", "(title.eq.a)", "not(all(title = 'a'))");
    check("or", "( title.eq.a , goal.is.null)", "any(title = 'a '; goal null)");
    check(
        "or",
        "(id.not.is.null,and(is_public.is.true,not.or(is_active.eq.f,id.is.null)),not.and(id.is.null))",
        "any(not(id null); all(is_public is true; not(any(is_active = 0; id null))); not(all(id null)))",
    );
    check(
        "or",
        "(is_public.is.true,id.in.(00000000-0000-0000-0000-00000000000a),title.eq.b)",
        &format!("any(is_public is true; id in '{ID}'; title = 'b')"),
    );
    check_refused("or", "title.eq.a", ErrorCode::Unsupported, "\"(\"");
    check_refused("or", "()", ErrorCode::Unsupported, "a name");
    check_refused("or", "(id.is.null", ErrorCode::Unsupported, "\")\"");
    check_refused("or", "(id.is.null))", ErrorCode::Unsupported, "the end");
    check_refused("or", "(id.is.null,)", ErrorCode::Unsupported, "a name");
    check_refused("or", "(nothing.eq.a)", ErrorCode::UnknownColumn, "nothing");
    check_refused("or", "(nothing.id.eq.a)", ErrorCode::NotEmbedded, "nothing");
}

#[test]
fn embedded_rows_are_tested_through_their_names() {
    check("or", "(users.email.eq.a,title.eq.b)", "any(1.email = 'a'; title = 'b')");
    check("or", "(owner.email.ilike.%a%,prompt_answers.answer.eq.b)", "any(3.email ~* '%a%'; 2.answer = 'b')");
    check("users.email", "eq.a", "within 1: email = 'a'");
    check("owner.email", "not.is.null", "within 3: not(email null)");
    check("users.or", "(email.eq.a,id.is.null)", "within 1: any(email = 'a'; id null)");
    check("prompt_answers.not.and", "(answer.eq.a)", "within 2: not(all(answer = 'a'))");
    check_refused("prompt_stats.view_count", "eq.1", ErrorCode::NotEmbedded, "prompt_stats");
    check_refused("users.title", "eq.1", ErrorCode::UnknownColumn, "users.title");
    check_refused("or", "(users.title.eq.a)", ErrorCode::UnknownColumn, "users.title");
}

/// Applications put what their users type into a group without quotes.
#[test]
fn patterns_in_groups_may_have_what_separates_conditions() {
    check("or", "(title.ilike.%a, b%,goal.ilike.%a, b%)", "any(title ~* '%a, b%'; goal ~* '%a, b%')");
    check("or", "(title.ilike.%a) b%,goal.ilike.%a) b%)", "any(title ~* '%a) b%'; goal ~* '%a) b%')");
    check("or", "(title.ilike.%(a)%,goal.ilike.%(a)%)", "any(title ~* '%(a)%'; goal ~* '%(a)%')");
    check("or", "(title.ilike.%a\"b%)", "any(title ~* '%a\"b%')");
    check("or", "(title.ilike.\"%a,b)\",goal.is.null)", "any(title ~* '%a,b)'; goal null)");
    check("or", "(title.ilike.\"%a\\\"b%\")", "any(title ~* '%a\"b%')");
    check("or", "(title.ilike.\"a\"b)", "any(title ~* '\"a\"b')");
    check(
        "or",
        "(title.ilike.%東京,大阪%,goal.ilike.%東京,大阪%)",
        "any(title ~* '%東京,大阪%'; goal ~* '%東京,大阪%')",
    );
    check("or", "(title.eq.a.b.c,goal.eq.x)", "any(title = 'a.b.c'; goal = 'x')");
    check("or", "(title.eq.,goal.eq.)", "any(title = ''; goal = '')");
    check("or", "(title.ilike.%,%,goal.is.null)", "any(title ~* '%,%'; goal null)");
    check("or", "(and(title.ilike.%a)b%,goal.is.null),id.is.null)", "any(all(title ~* '%a)b%'; goal null); id null)");
    check("or", "(users.email.ilike.%a,b%,title.ilike.%a,b%)", "any(1.email ~* '%a,b%'; title ~* '%a,b%')");
    check("or", "(title.ilike.%e.g., this%)", "any(title ~* '%e.g., this%')");
    check("or", "(title.ilike.%a,title b%)", "any(title ~* '%a,title b%')");
    check("or", "(title.ilike.%a%,or(goal.is.null,id.is.null))", "any(title ~* '%a%'; any(goal null; id null))");
    check(
        "or",
        "(title.ilike.%a%,not.and(goal.is.null,id.is.null))",
        "any(title ~* '%a%'; not(all(goal null; id null)))",
    );
}

fn group_of(count: usize) -> String {
    format!("({})", vec!["id.is.null"; count].join(","))
}

#[test]
fn conditions_are_bounded() {
    let (most, more) = (group_of(CONDITIONS), group_of(CONDITIONS + 1));
    assert!(read("or", &most).is_ok());
    check_refused("or", &more, ErrorCode::Unsupported, &format!("{CONDITIONS} conditions"));
    let spread = vec![("id", "not.is.null"); CONDITIONS + 1];
    assert_eq!(request("prompts", &spread).map(|_| ()).map_err(|error| error.code), Err(ErrorCode::Unsupported));
    let nested = |levels: usize| format!("{}(id.is.null){}", "(or".repeat(levels - 1), ")".repeat(levels - 1));
    assert!(read("and", &nested(CONDITION_NESTING)).is_ok());
    check_refused("and", &nested(CONDITION_NESTING + 1), ErrorCode::Unsupported, &format!("{CONDITION_NESTING} deep"));
    let list = |count: usize| format!("in.({})", vec!["a"; count].join(","));
    assert!(read("title", &list(LISTED_VALUES)).is_ok());
    check_refused("title", &list(LISTED_VALUES + 1), ErrorCode::Unsupported, "10000 values");
    assert_eq!(READ_ROWS, 1000);
}

#[test]
fn several_conditions_on_a_column_are_all_meant() {
    let request =
        request("prompts", &[("title", "gt.a"), ("title", "lt.b"), ("or", "(id.is.null)"), ("or", "(id.is.null)")]);
    let conditions: Vec<String> = request.unwrap().query.conditions.iter().map(shown).collect();
    assert_eq!(conditions, ["title > 'a'", "title < 'b'", "any(id null)", "any(id null)"]);
}
