//! Pages of lists: what is asked for, and where the next begins.

use promptmeter::http::paging::{cursor, cut, limit};
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;

#[test]
fn a_page_has_a_cursor_where_rows_are_left() {
    for (read, expected) in [(0, None), (2, None), (3, None), (4, Some(2))] {
        let mut rows: Vec<i64> = (0..read).collect();
        let next = cut(&mut rows, 3, |last| *last);
        assert_eq!(rows, (0..read.min(3)).collect::<Vec<_>>());
        let place: Option<i64> = next.and_then(|next| cursor(&Query::parse(&format!("cursor={next}"))).unwrap());
        assert_eq!(place, expected, "{read} rows");
    }
}

#[test]
fn what_is_asked_for_is_checked() {
    for (query, expected) in [
        ("", Ok(7)),
        ("limit=1", Ok(1)),
        ("limit=100", Ok(100)),
        ("limit=0", Err(Code::InvalidValue)),
        ("limit=101", Err(Code::InvalidValue)),
        ("limit=", Err(Code::InvalidValue)),
    ] {
        assert_eq!(limit(&Query::parse(query), 7).map_err(|problem| problem.code), expected, "{query}");
    }
    for query in ["cursor=", "cursor=!", "cursor=InRleHQi"] {
        let read = cursor::<i64>(&Query::parse(query)).map_err(|problem| problem.code);
        assert_eq!(read, Err(Code::InvalidValue), "{query}");
    }
    assert_eq!(cursor::<i64>(&Query::parse("")), Ok(None));
}
