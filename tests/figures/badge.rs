//! Badges: what is asked for, numbers in few characters, and pictures that another parser of XML reads.

use promptmeter::badge::color::Color;
use promptmeter::badge::drawing::{Style, draw};
use promptmeter::badge::metric::BadgeMetric;
use promptmeter::badge::number::{grouped, short};
use promptmeter::badge::request::BadgeRequest;
use promptmeter::badge::text_width::text_width;
use promptmeter::counting::stats::{Counts, Stats};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::usage::totals::Totals;
use proptest::prelude::*;
use roxmltree::Document;
use uuid::Uuid;

const STYLES: [Style; 3] = [Style::Flat, Style::FlatSquare, Style::ForTheBadge];

fn request(label: &str) -> BadgeRequest {
    BadgeRequest { label: label.to_owned(), ..BadgeRequest::parse(&Query::parse("")).unwrap() }
}

#[test]
fn what_is_asked_for_is_read() {
    let usual = |metric, label: &str| BadgeRequest { metric, ..request(label) };
    let view = BadgeMetric::Counted(Metric::View);
    for (query, expected) in [
        ("", usual(view, "views")),
        ("metric=&label=&style=&color=", usual(view, "views")),
        ("metric=compare", usual(BadgeMetric::Counted(Metric::Compare), "comparisons")),
        ("metric=visit", usual(BadgeMetric::Counted(Metric::Visit), "visits")),
        ("metric=like", usual(BadgeMetric::Like, "likes")),
        ("metric=visitor", usual(BadgeMetric::Visitor, "visitors")),
        ("label=a%26b&unknown=1", usual(view, "a&b")),
        ("style=for-the-badge", BadgeRequest { style: Style::ForTheBadge, ..request("views") }),
        ("style=flat-square", BadgeRequest { style: Style::FlatSquare, ..request("views") }),
        ("color=BrightGreen", BadgeRequest { color: Color(0x44_CC11), ..request("views") }),
        ("colour=%23f80", BadgeRequest { color: Color(0xFF_8800), ..request("views") }),
        ("color=0A1b2C&colour=red", BadgeRequest { color: Color(0x0A_1B2C), ..request("views") }),
    ] {
        assert_eq!(BadgeRequest::parse(&Query::parse(query)), Ok(expected), "{query}");
    }
    let label = |chars| format!("label={}", "%C3%A4".repeat(chars));
    assert!(BadgeRequest::parse(&Query::parse(&label(100))).is_ok());
    for (query, expected) in [
        (label(101).as_str(), Code::InvalidLength),
        ("metric=views", Code::InvalidValue),
        ("metric=bot", Code::InvalidValue),
        ("style=round", Code::InvalidValue),
        ("color=navy-ish", Code::InvalidValue),
        ("color=%2B12345", Code::InvalidValue),
        ("color=12345", Code::InvalidValue),
        ("color=%23", Code::InvalidValue),
        ("color=red%27/%3E", Code::InvalidValue),
    ] {
        let read = BadgeRequest::parse(&Query::parse(query)).map_err(|problem| problem.code);
        assert_eq!(read, Err(expected), "{query}");
    }
}

#[test]
fn each_metric_tells_its_count() {
    let tally = Tally { views: 1, copies: 2, forks: 3, compares: 4, visits: 5, ..Tally::default() };
    let stats = Stats::of(Counts::of(Uuid::nil(), &tally), 6, 7, Totals::default());
    let told = BadgeMetric::ALL.map(|(metric, name, _)| (name, metric.of(&stats)));
    let expected = [("view", 1), ("copy", 2), ("fork", 3), ("compare", 4), ("visit", 5), ("like", 7), ("visitor", 6)];
    assert_eq!(told, expected);
}

#[test]
fn numbers_are_short_and_never_too_high() {
    for (count, expected) in [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1099, "1k"),
        (1299, "1.2k"),
        (9999, "9.9k"),
        (10_999, "10k"),
        (999_999, "999k"),
        (1_000_000, "1M"),
        (3_456_789, "3.4M"),
        (7_100_000_000, "7.1B"),
        (9_007_199_254_740_992, "9007T"),
    ] {
        assert_eq!(short(count), expected, "{count}");
    }
    for (count, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(count), expected);
    }
}

#[test]
fn texts_are_as_wide_as_their_letters() {
    for (text, font_px, is_bold, tenths, is_known) in [
        ("", 11, false, 0, true),
        ("views", 11, false, 308, true),
        ("WWW", 11, false, 327, true),
        ("iii", 11, false, 91, true),
        ("\u{e9}t\u{e9}", 11, false, 175, true),
        ("1.2K", 10, true, 263, true),
        ("\u{65e5}\u{672c}", 11, false, 220, false),
        ("e\u{301}", 11, false, 66, false),
        ("\u{1f600}", 11, false, 138, false),
        ("\u{448}", 11, false, 105, false),
    ] {
        let width = text_width(text, font_px, is_bold);
        assert_eq!((width.tenths, width.is_known), (tenths, is_known), "{text}");
    }
}

/// Reads a badge, checks that its parts fill it and its texts fit in, and gives its name and what is written on it.
fn check(request: &BadgeRequest, count: u64) -> (String, Vec<String>) {
    let svg = draw(request, count);
    let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
    let root = document.root_element();
    let number = |node: roxmltree::Node<'_, '_>, name| node.attribute(name).map(|text| text.parse::<f64>().unwrap());
    assert_eq!(root.attribute("role"), Some("img"));
    let known = ["svg", "title", "linearGradient", "stop", "clipPath", "rect", "g", "text"];
    assert!(root.descendants().filter(roxmltree::Node::is_element).all(|node| known.contains(&node.tag_name().name())));
    assert!(root.descendants().all(|node| node.attributes().all(|one| !one.name().starts_with("on"))));
    let name = root.attribute("aria-label").unwrap().to_owned();
    let named = |name| root.descendants().filter(move |node| node.has_tag_name(("http://www.w3.org/2000/svg", name)));
    assert_eq!(named("title").next().and_then(|title| title.text()), Some(name.as_str()));

    let drawn = |node: &roxmltree::Node<'_, '_>| node.attribute("fill").is_some_and(|fill| fill.starts_with('#'));
    let boxes: Vec<(f64, f64)> =
        named("rect").filter(drawn).map(|node| (number(node, "x").unwrap(), number(node, "width").unwrap())).collect();
    let [(0.0, label), (left, count)] = boxes[..] else { panic!("two parts: {svg}") };
    assert!((label - left).abs() < 0.01 && (left + count - number(root, "width").unwrap()).abs() < 0.01, "{svg}");
    let mut texts = Vec::new();
    for (text, (left, width)) in named("text").filter(|node| !node.has_attribute("aria-hidden")).zip(boxes) {
        assert!((number(text, "x").unwrap() - left - width / 2.0).abs() < 0.01, "{svg}");
        assert!(number(text, "textLength").is_none_or(|length| length + 10.0 <= width), "{svg}");
        texts.push(text.text().unwrap_or_default().to_owned());
    }
    (name, texts)
}

#[test]
fn a_badge_tells_its_label_and_its_count() {
    for (style, expected) in [
        (Style::Flat, ["views", "1.2k"]),
        (Style::FlatSquare, ["views", "1.2k"]),
        (Style::ForTheBadge, ["VIEWS", "1.2K"]),
    ] {
        let (name, texts) = check(&BadgeRequest { style, ..request("views") }, 1234);
        assert_eq!((name.as_str(), texts), ("views: 1,234", expected.map(str::to_owned).to_vec()));
    }
    let (name, texts) = check(&request("a\0\t\u{7f}\u{ffff}</text><script>'\"&lt;"), 0);
    assert_eq!(texts, ["a\u{fffd} \u{7f}\u{fffd}</text><script>'\"&lt;", "0"]);
    assert_eq!(name, "a\u{fffd} \u{7f}\u{fffd}</text><script>'\"&lt;: 0");
}

#[test]
fn colors_are_written_as_svg_reads_them() {
    for (color, expected) in [(Color(0x01_0101), "#010101"), (Color(0xAB_CDEF), "#abcdef"), (Color(0), "#000000")] {
        assert_eq!(color.hexadecimal(), expected);
    }
}

#[test]
fn text_can_be_read_on_any_color() {
    for (color, dark) in [(Color::COUNT, false), (Color(0xFF_FFFF), true), (Color(0xFF_FF00), true), (Color(0), false)]
    {
        assert_eq!(color.text().0, if dark { Color(0x33_3333) } else { Color(0xFF_FFFF) }, "{color:?}");
    }
}

proptest! {
    #[test]
    fn any_label_is_told_as_it_is(label in ".{0,100}|[\\x00-\\x7f\u{fff0}-\u{ffff}]{0,100}", count: u64, style in 0..STYLES.len()) {
        let (name, texts) = check(&BadgeRequest { style: STYLES[style], ..request(&label) }, count);
        let kept: String = label
            .chars()
            .map(|character| match character {
                '\t' | '\n' | '\r' => ' ',
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                other => other,
            })
            .collect();
        prop_assert_eq!(name, format!("{kept}: {}", grouped(count)));
        let written = if STYLES[style] == Style::ForTheBadge { kept.to_uppercase() } else { kept };
        prop_assert_eq!(&texts[0], &written);
    }
}
