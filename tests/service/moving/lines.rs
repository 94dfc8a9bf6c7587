//! The lines of an export that are no rows of tables: parts of counters, and the last one; and from where on a part goes on.

use promptmeter::counting::carried::{Piece, Standing, Step, Taken, Whole};
use promptmeter::counting::day::Day;
use promptmeter::counting::tally::Tally;
use promptmeter::counting::visitors::Visitors;
use promptmeter::data::import::{ImportLine, ImportRow, read_line};
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::moving::counter_lines::CounterLine;
use promptmeter::moving::ending::Digest;
use promptmeter::moving::place::Place;
use promptmeter::moving::tables::{PARTS, Part};

#[test]
fn an_ending_knows_its_lines() {
    let mut digest = Digest::default();
    digest.add(b"{}");
    let ending = digest.ending(None, Some("x".to_owned()));
    let sha256 = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
    let line = format!(r#"{{"end":{{"lines":1,"sha256":"{sha256}","from":null,"next":"x"}}}}"#);
    assert_eq!(ending.line(), line);
    let Ok(ImportLine::End(read)) = read_line(line.as_bytes()) else { panic!() };
    assert_eq!(read, ending);
    assert_eq!(read.check(&mut digest), Ok(1));
    // Behind an ending lines are counted anew.
    assert_eq!(read.check(&mut digest).map_err(|problem| problem.code), Err(Code::DigestMismatch));
    for bad in [r#"{"end":{}}"#, r#"{"end":1}"#, r#"{"end":{"lines":"1","sha256":"x"}}"#] {
        assert!(read_line(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_place_is_read_as_it_was_told() {
    let parse = |cursor: &str| Place::parse(&Query::parse(&format!("cursor={cursor}")));
    let of_two_columns = |part: &Part| matches!(part, Part::Rows(moved) if moved.table.key.len() == 2);
    let part = PARTS.iter().rposition(of_two_columns).unwrap();
    for place in [
        Place { part: 0, after: vec!["a".to_owned()], rollup: String::new() },
        Place { part, after: vec!["1".to_owned(), "é".to_owned()], rollup: "9007199254740992".to_owned() },
        Place { part: 5, after: Vec::new(), rollup: "3".to_owned() },
    ] {
        assert_eq!(parse(&place.cursor()), Ok(Some(place)));
    }
    assert_eq!(Place::parse(&Query::parse("")), Ok(None));
    for bad in [Place { part: 99, ..Place::default() }, Place { after: vec![String::new(); 2], ..Place::default() }] {
        assert_eq!(parse(&bad.cursor()).map_err(|problem| problem.code), Err(Code::InvalidValue));
    }
    assert!(parse("x").is_err());
}

#[test]
fn a_part_of_a_counter_is_read_as_it_was_told() {
    let tally = Tally { views: 9, copies: 8, forks: 7, compares: 6, visits: 5, bots: 4, headless: 3, prefetches: 2 };
    let mut day = Day::default();
    day.add(-1, &tally);
    let whole =
        Whole { tally, visitors: Visitors::default().pack(), retracted_visitors: 1, days: 2, ids: 3, imported: 4 };
    let id = "\"prompt_id\":\"01234567-89ab-7def-8123-456789abcdef\",\"version\":7";
    for (piece, line) in [
        (
            Piece::Day { number: -1, counts: day.pack() },
            r#"counter_days","row":{ID,"day":-1,"counts":"085f0908070605040302"}"#,
        ),
        (
            Piece::Ids { number: 0, newest_ms: 5, entries: vec![1; 12] },
            r#"counter_ids","row":{ID,"number":0,"newest_ms":5,"entries":"010101010101010101010101"}"#,
        ),
        (Piece::Imported(vec![255; 8]), r#"counter_imports","row":{ID,"keys":"ffffffffffffffff"}"#),
        (
            Piece::Whole(whole),
            r#"counters","row":{ID,"views":9,"copies":8,"forks":7,"compares":6,"visits":5,"bots":4,"headless":3,"prefetches":2,"retracted_visitors":1,"days":2,"ids":3,"imports":4,"visitors":"01"}"#,
        ),
    ] {
        let prompt_id = uuid::Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
        let part = CounterLine { prompt_id, version: 7, piece };
        let line = format!("{{\"table\":\"{}}}", line.replace("ID", id));
        assert_eq!(part.line(), line);
        assert_eq!(read_line(line.as_bytes()), Ok(ImportLine::Row(ImportRow::Counter(part))));
        for bad in [
            line.replace(":7", ":0"),
            line.replace("\"}}", "1\"}}"),
            line.replace("\"}}", "zz\"}}"),
            line.replace(",\"version\":7", ""),
        ] {
            assert!(read_line(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

#[test]
fn a_counter_takes_parts_until_it_counts() {
    let standing = |has_counted, carried| Standing { has_counted, carried };
    for (standing, expected) in [
        (standing(false, None), Step::Begin),
        (standing(false, Some((7, false))), Step::Store),
        (standing(false, Some((6, false))), Step::Begin),
        (standing(true, None), Step::Leave(Taken::Refused)),
        (standing(true, Some((7, false))), Step::Leave(Taken::Refused)),
        (standing(true, Some((6, true))), Step::Leave(Taken::Refused)),
        (standing(true, Some((7, true))), Step::Leave(Taken::Repeated)),
    ] {
        assert_eq!(standing.step(7), expected, "{standing:?}");
    }
}
