//! Query strings, and the pages of an experiment's hourly rows.

use promptmeter::experiments::page::{Page, Place, SummaryRow};
use promptmeter::experiments::summary::Figures;
use promptmeter::http::problem::Code;
use promptmeter::http::query::{Query, wants_async};

/// 2027-01-01T00:00:00Z.
const EDGE_MS: i64 = 1_798_761_600_000;

fn check_query(query: &str, name: &str, expected: Option<&str>) {
    assert_eq!(Query::parse(query).get(name), expected, "{query}");
}

#[test]
fn parameters_are_decoded() {
    check_query("", "a", None);
    check_query("a=1&b=2", "b", Some("2"));
    check_query("a=1&a=2", "a", Some("1"));
    check_query("a", "a", Some(""));
    check_query("a=", "a", Some(""));
    check_query("A=1", "a", None);
    check_query("a=%F0%9F%98%80+%2B%26=", "a", Some("😀 +&="));
    check_query("%61=1", "a", Some("1"));
}

fn check_async(query: &str, prefer: Option<&str>, expected: Result<bool, Code>) {
    let actual = wants_async(&Query::parse(query), prefer).map_err(|problem| problem.code);
    assert_eq!(actual, expected, "{query} {prefer:?}");
}

#[test]
fn a_caller_may_ask_not_to_wait() {
    check_async("", None, Ok(false));
    check_async("ack=async", None, Ok(true));
    check_async("", Some("respond-async"), Ok(true));
    check_async("", Some("wait=10, Respond-Async"), Ok(true));
    check_async("", Some("return=minimal"), Ok(false));
    check_async("", Some("respond-asynchronously"), Ok(false));
    check_async("ack=durable", Some("respond-async"), Ok(false));
    for query in ["ack=", "ack", "ack=ASYNC", "ack=none"] {
        check_async(query, None, Err(Code::InvalidValue));
    }
}

fn place(date: &str, hour: i64, variant: &str) -> Place {
    Place(date.to_owned(), hour, variant.to_owned())
}

fn check_page(query: &str, expected: &Result<Page, Code>) {
    let actual = Page::parse(&Query::parse(query)).map_err(|problem| problem.code);
    assert_eq!(&actual, expected, "{query}");
}

#[test]
fn a_page_holds_the_hours_that_are_asked_for() {
    let page = |after: (&str, i64), before: (&str, i64)| {
        Ok(Page { after: place(after.0, after.1, ""), before: place(before.0, before.1, ""), limit: 100 })
    };
    let (last, first, second) = (("2026-12-31", 23), ("2027-01-01", 0), ("2027-01-01", 1));
    for (from_ms, to_ms, expected) in [
        (EDGE_MS, EDGE_MS + 3_600_000, page(first, second)),
        (EDGE_MS, EDGE_MS + 1, page(first, second)),
        (EDGE_MS - 1, EDGE_MS, page(last, first)),
        (EDGE_MS + 3_599_999, EDGE_MS + 3_600_000, page(first, second)),
        (EDGE_MS, EDGE_MS, page(first, first)),
        (0, 0, page(("1970-01-01", 0), ("1970-01-01", 0))),
    ] {
        check_page(&format!("from={from_ms}&to={to_ms}"), &expected);
    }
}

#[test]
fn limits_and_bad_parameters() {
    for (limit, expected) in [("1", Ok(1)), ("100", Ok(100))] {
        let page = Page::parse(&Query::parse(&format!("limit={limit}")));
        assert_eq!(page.map(|page| page.limit).map_err(|problem| problem.code), expected, "{limit}");
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=",
        "limit=ten",
        "limit=1.5",
        "from=-1",
        "from=2026-01-01",
        "to=221845392000001",
        "to=9223372036854775808",
        "cursor=",
        "cursor=x",
        "cursor=W10",
        "cursor=bnVsbA",
    ] {
        check_page(query, &Err(Code::InvalidValue));
    }
}

/// How many of these rows a page of the query would hold.
fn check_rows(query: &str, expected: usize) {
    let page = Page::parse(&Query::parse(query)).unwrap();
    let places = ["1970-01-01", "2026-12-31", "2027-01-01", "8999-12-31"].map(|date| place(date, 23, "red"));
    let order = |place: &Place| (place.0.clone(), place.1, place.2.clone());
    let held = places.iter().map(order).filter(|row| *row > order(&page.after) && *row < order(&page.before));
    assert_eq!(held.count(), expected, "{query}: {page:?}");
}

#[test]
fn without_an_end_a_page_holds_everything() {
    check_rows("from=0&to=221800000000000", 3);
    check_rows("to=221845392000000", 4);
    check_rows("", 4);
    check_rows(&format!("from={EDGE_MS}"), 2);
}

fn row(variant_key: &str, hour: i64) -> SummaryRow {
    let figures = Figures { sessions: 1, ..Figures::default() };
    SummaryRow { variant_key: variant_key.to_owned(), date: "2027-01-01".to_owned(), hour, figures }
}

#[test]
fn a_cursor_leads_to_the_rows_after_the_page() {
    let page = Page { after: place("", 0, ""), before: place("9999-12-31", 0, ""), limit: 2 };
    let mut rows = vec![row("green", 5), row("réd", 5), row("green", 6)];
    let cursor = page.cut(&mut rows).unwrap();
    assert_eq!(rows, [row("green", 5), row("réd", 5)]);
    let next = Page::parse(&Query::parse(&format!("cursor={cursor}&from=0&to=221800000000000"))).unwrap();
    assert_eq!(next.after, place("2027-01-01", 5, "réd"));
    for length in 0..=2 {
        let mut rows = vec![row("green", 5); length];
        assert_eq!(page.cut(&mut rows), None);
        assert_eq!(rows.len(), length);
    }
}

#[test]
fn a_row_is_told_with_the_names_of_its_columns() {
    let expected = concat!(
        r#"{"variant_key":"green","date":"2027-01-01","hour":5,"sessions":1,"pageviews":0,"pageview_sessions":0,"#,
        r#""exposures":0,"exposure_sessions":0,"conversions":0,"conversion_sessions":0,"new_exposed_sessions":0,"#,
        r#""new_converted_sessions":0}"#,
    );
    assert_eq!(serde_json::to_string(&row("green", 5)).unwrap(), expected);
}
