//! What a search is told: highlights that are safe as HTML, and where the next page starts.

use promptmeter::http::query::Query;
use promptmeter::search::answer::{SearchAnswer, TemplateRow, html};
use promptmeter::search::request::{Breadth, Place, Search};
use proptest::prelude::{any, proptest};
use uuid::Uuid;

fn row(number: u128) -> TemplateRow {
    TemplateRow {
        id: Uuid::from_u128(number),
        prompt_id: Uuid::from_u128(100 + number),
        title: "A <b>".to_owned(),
        goal: None,
        category: Some("c".to_owned()),
        tags: Some("[\"a\", 1]".to_owned()),
        likes_count: 3,
        uses_count: 4,
        created_at: "then".to_owned(),
        title_text: "A \u{2}<b>\u{3}".to_owned(),
        goal_text: None,
        template_text: "\u{2}x".to_owned(),
    }
}

fn search(query: &str) -> Search {
    Search::parse(&Query::parse(query)).unwrap()
}

#[test]
fn a_template_is_told_with_what_was_found() {
    let answer = SearchAnswer::of(&search("q=b"), Breadth::All, vec![row(1), TemplateRow { tags: None, ..row(2) }]);
    let told = serde_json::to_string(&answer.templates[0]).unwrap();
    let expected = r#"{"id":"00000000-0000-0000-0000-000000000001","prompt_id":"00000000-0000-0000-0000-000000000065","title":"A <b>","goal":null,"category":"c","tags":["a", 1],"likes_count":3,"uses_count":4,"created_at":"then","highlights":{"title":"A <mark>&lt;b&gt;</mark>","goal":null,"template":"<mark>x</mark>"}}"#;
    assert_eq!(told, expected);
    assert!(serde_json::to_string(&answer.templates[1]).unwrap().contains("\"tags\":null"));
    assert_eq!(answer.next_cursor, None);
}

#[test]
fn the_next_page_starts_behind_the_last_template_where_there_is_one_more() {
    let first = search("q=b&limit=2");
    let page = SearchAnswer::of(&first, Breadth::Any, (1..=3).map(row).collect());
    assert_eq!(page.templates.len(), 2);
    let second = search(&format!("q=b&limit=2&cursor={}", page.next_cursor.unwrap()));
    assert_eq!(second.after, Some(Place { breadth: Breadth::Any, last: Uuid::from_u128(2), seen: 2 }));
    let page = SearchAnswer::of(&second, Breadth::Any, (3..=5).map(row).collect());
    let third = search(&format!("q=b&limit=2&cursor={}", page.next_cursor.unwrap()));
    assert_eq!(third.after.map(|place| place.seen), Some(4));
    assert_eq!(SearchAnswer::of(&second, Breadth::Any, (3..=4).map(row).collect()).next_cursor, None);
}

#[test]
fn everything_but_the_marks_is_text() {
    for (text, expected) in [
        ("", ""),
        ("a\u{2}b\u{3}c", "a<mark>b</mark>c"),
        ("\u{2}\u{2}a\u{3}\u{3}", "<mark>a</mark>"),
        ("\u{3}a", "a"),
        ("\u{2}a", "<mark>a</mark>"),
        ("東\u{200B}京", "東京"),
        ("&<>\"'", "&amp;&lt;&gt;&quot;&#39;"),
    ] {
        assert_eq!(html(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_an_element_and_marks_are_closed(text in any::<String>(), marks in any::<[u8; 4]>()) {
        let mut characters: Vec<char> = text.chars().collect();
        for (place, mark) in marks.into_iter().enumerate() {
            let at = usize::from(mark) % (characters.len() + 1);
            characters.insert(at, if place % 2 == 0 { '\u{2}' } else { '\u{3}' });
        }
        let html = html(&characters.into_iter().collect::<String>());
        let plain = html.replace("<mark>", "").replace("</mark>", "");
        assert!(!plain.contains(['<', '>', '"', '\'', '\u{2}', '\u{3}']), "{html}");
        assert_eq!(html.matches("<mark>").count(), html.matches("</mark>").count(), "{html}");
        let back = ["&lt;<", "&gt;>", "&quot;\"", "&#39;'", "&amp;&"].iter().fold(plain, |text, pair| {
            let (name, character) = pair.split_at(pair.len() - 1);
            text.replace(name, character)
        });
        let expected: String = text.chars().filter(|character| !['\u{2}', '\u{3}', '\u{200B}'].contains(character)).collect();
        assert_eq!(back, expected);
    }
}
