//! From rows to the text of an answer: what JSON and CSV say is what the rows hold.

use promptmeter::data::schema::Kind;
use promptmeter::rest::error::ErrorCode;
use promptmeter::rest::preference::Format;
use promptmeter::rest::rows::{self, BytesSlot, Cell, Children, Row, Shape, Slot};
use proptest::prelude::*;
use serde_json::json;

fn shape(fields: &[(&str, Slot)]) -> Shape {
    Shape { fields: fields.iter().map(|(name, slot)| ((*name).to_owned(), slot.clone())).collect(), bytes: None }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn check(format: Format, shape: &Shape, rows: &[Row], expected: Result<&str, ErrorCode>) {
    let written = rows::write(format, shape, rows, &[]).map_err(|error| error.code);
    assert_eq!(written.as_deref(), expected.as_ref().map(|text| *text));
}

fn all_kinds() -> Shape {
    let kinds = [Kind::Uuid, Kind::Text, Kind::Integer, Kind::Boolean, Kind::Timestamp, Kind::Json, Kind::TextArray];
    let names = ["uuid", "text", "integer", "boolean", "timestamp", "json", "array"];
    let fields = names.iter().zip(kinds).enumerate();
    Shape {
        fields: fields.map(|(place, (name, kind))| ((*name).to_owned(), Slot::Cell(place, kind))).collect(),
        bytes: None,
    }
}

#[test]
fn every_kind_is_written_as_its_json_and_its_text() {
    let row = vec![
        text("00000000-0000-0000-0000-00000000000a"),
        text("a \"b\"\n"),
        Cell::Number(9_007_199_254_740_992.0),
        Cell::Number(1.0),
        text("2026-11-20T12:00:00.000000+00:00"),
        text("{\"a\": 1.50}"),
        text("[\"a\",\"b\"]"),
    ];
    let nulls = vec![Cell::Null; 7];
    let json = r#"{"uuid":"00000000-0000-0000-0000-00000000000a","text":"a \"b\"\n","integer":9007199254740992,"boolean":true,"timestamp":"2026-11-20T12:00:00.000000+00:00","json":{"a": 1.50},"array":["a","b"]}"#;
    let json_nulls =
        r#"{"uuid":null,"text":null,"integer":null,"boolean":null,"timestamp":null,"json":null,"array":null}"#;
    let both = [row.clone(), nulls.clone()];
    check(Format::Array, &all_kinds(), &both, Ok(&format!("[{json},{json_nulls}]")));
    check(Format::Array, &all_kinds(), &[], Ok("[]"));
    check(Format::Object, &all_kinds(), &both[..1], Ok(json));
    check(Format::Object, &all_kinds(), &both, Err(ErrorCode::NotOneRow));
    check(Format::Object, &all_kinds(), &[], Err(ErrorCode::NotOneRow));
    let numbers = shape(&[("n", Slot::Cell(0, Kind::Integer)), ("b", Slot::Cell(1, Kind::Boolean))]);
    check(
        Format::Csv,
        &numbers,
        &[vec![Cell::Number(-1.0), Cell::Number(0.0)], vec![Cell::Null, Cell::Null]],
        Ok("n,b\n-1,f\n,"),
    );
    check(Format::Csv, &numbers, &[], Ok("n,b"));
}

/// As PostgreSQL writes them.
#[test]
fn arrays_are_written_in_csv_as_postgresql_writes_them() {
    let arrays = shape(&[("a", Slot::Cell(0, Kind::TextArray))]);
    for (json, expected) in [
        ("[]", "{}"),
        (r#"["x"]"#, "{x}"),
        (r#"["x","y"]"#, r#""{x,y}""#),
        (r#"["é 😀"]"#, r#""{""é 😀""}""#),
        (r#"[null,"null","","a"]"#, r#""{NULL,""null"","""",a}""#),
        (r#"["a,b","{c}"]"#, r#""{""a,b"",""{c}""}""#),
        (r#"["d\"e","f\\g"]"#, r#""{""d\\""e"",""f\\\\g""}""#),
    ] {
        check(Format::Csv, &arrays, &[vec![text(json)]], Ok(&format!("a\n{expected}")));
    }
}

#[test]
fn embedded_rows_are_objects_and_arrays() {
    let one = shape(&[("title", Slot::Cell(1, Kind::Text))]);
    let with_one = shape(&[("prompt", Slot::One(0, one))]);
    check(
        Format::Array,
        &with_one,
        &[vec![text("id"), text("t")], vec![Cell::Null, Cell::Null]],
        Ok(r#"[{"prompt":{"title":"t"}},{"prompt":null}]"#),
    );
    let child = shape(&[("answer", Slot::Cell(1, Kind::Text))]);
    let children =
        [Children::of(child, vec![vec![text("p"), text("1")], vec![text("q"), text("2")], vec![text("p"), text("3")]])];
    let with_many = shape(&[("answers", Slot::Many(0, 0))]);
    let rows = [vec![text("p")], vec![text("r")], vec![Cell::Null]];
    let written = rows::write(Format::Array, &with_many, &rows, &children).unwrap();
    assert_eq!(written, r#"[{"answers":[{"answer":"1"},{"answer":"3"}]},{"answers":[]},{"answers":[]}]"#);
    let csv = rows::write(Format::Csv, &with_many, &rows[1..], &children).unwrap();
    assert_eq!(csv, "answers\n[]\n[]");
}

/// What the database bounds is told by a cell of the last row.
#[test]
fn texts_that_are_too_large_together_are_refused() {
    let check = |place: Option<usize>, rows: &[Row], expected: Result<(), ErrorCode>| {
        let bytes = place.map(|place| BytesSlot { place, most: 16_000_000 });
        let shape = Shape { bytes, ..shape(&[("text", Slot::Cell(0, Kind::Text))]) };
        assert_eq!(rows::check_bytes(&shape, rows).map_err(|error| error.code), expected, "{rows:?}");
    };
    let row = |bytes: f64| vec![text("a"), Cell::Number(bytes)];
    check(Some(1), &[row(16_000_000.0)], Ok(()));
    check(Some(1), &[row(1.0), row(16_000_001.0)], Err(ErrorCode::TooLarge));
    check(Some(1), &[], Ok(()));
    check(None, &[row(16_000_001.0)], Ok(()));
}

/// A text that is told so often that the answer is too long, though the database gave it once.
#[test]
fn answers_that_are_too_long_are_refused() {
    let row = vec![text("key"), text(&"x".repeat(1_000_000))];
    let told = |times: usize| {
        let names: Vec<String> = (0..times).map(|number| format!("a{number}")).collect();
        shape(&names.iter().map(|name| (name.as_str(), Slot::Cell(1, Kind::Text))).collect::<Vec<_>>())
    };
    for format in [Format::Array, Format::Object, Format::Csv] {
        for (times, is_refused) in [(19, false), (256, true)] {
            let written =
                rows::write(format, &told(times), std::slice::from_ref(&row), &[]).map_err(|error| error.code);
            assert_eq!(written.is_err(), is_refused, "{format:?} {times}");
            assert!(written.err().is_none_or(|code| code == ErrorCode::TooLarge));
        }
    }
    // Rows of which each has the same thousand.
    let children =
        Children::of(shape(&[("a", Slot::Cell(1, Kind::Text))]), vec![vec![text("key"), text(&"y".repeat(1000))]; 100]);
    let many = shape(&[("many", Slot::Many(0, 0))]);
    let written =
        |rows: usize, format| rows::write(format, &many, &vec![row.clone(); rows], std::slice::from_ref(&children));
    for format in [Format::Array, Format::Csv] {
        assert!(written(10, format).is_ok());
        assert_eq!(written(300, format).unwrap_err().code, ErrorCode::TooLarge, "{format:?}");
    }
    // What is cut is cut at once: of rows that each come to many megabytes, the second is not written.
    let long = vec![vec![text("key"), text(&"y".repeat(950_000))]; 30];
    let long = Children::of(shape(&[("a", Slot::Cell(1, Kind::Text))]), long);
    for format in [Format::Array, Format::Csv] {
        let written = rows::write(format, &many, &vec![vec![text("key")]; 100_000], std::slice::from_ref(&long));
        assert_eq!(written.unwrap_err().code, ErrorCode::TooLarge, "{format:?}");
    }
    // Escapes are longer than what they stand for.
    let control = vec![text("key"), text(&"\u{1}".repeat(3_500_000))];
    check(Format::Array, &told(1), &[control], Err(ErrorCode::TooLarge));
}

/// Reads what PostgREST writes: `None` for null. Quotes and backslashes stand twice within quotes.
fn read_csv(csv: &str) -> Vec<Vec<Option<String>>> {
    let (mut lines, mut line, mut value) = (Vec::new(), Vec::new(), None::<String>);
    let mut signs = csv.chars().peekable();
    let mut is_quoted = false;
    while let Some(sign) = signs.next() {
        match sign {
            '"' if !is_quoted => {
                is_quoted = true;
                value.get_or_insert_default();
            }
            '"' | '\\' if is_quoted && signs.peek() == Some(&sign) => {
                value.get_or_insert_default().push(sign);
                signs.next();
            }
            '"' => is_quoted = false,
            ',' if !is_quoted => line.push(value.take()),
            '\n' if !is_quoted => {
                line.push(value.take());
                lines.push(std::mem::take(&mut line));
            }
            other => value.get_or_insert_default().push(other),
        }
    }
    line.push(value);
    lines.push(line);
    lines
}

fn any_text() -> impl Strategy<Value = String> {
    let signs = "ab,\"\\ \n\r\t();é東😀\u{1}\u{b}'[]{}:";
    prop::collection::vec(prop::sample::select(signs.chars().collect::<Vec<_>>()), 0..12).prop_map(String::from_iter)
}

fn any_cell() -> impl Strategy<Value = Option<String>> {
    prop::option::of(any_text())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_and_csv_can_be_read_again(
        names in prop::collection::vec(any_text(), 1..5),
        values in prop::collection::vec(prop::collection::vec(any_cell(), 5), 0..6),
    ) {
        let shape = Shape {
            bytes: None,
            fields: names.iter().enumerate().map(|(place, name)| (name.clone(), Slot::Cell(place, Kind::Text))).collect(),
        };
        let cell = |value: &Option<String>| value.clone().map_or(Cell::Null, Cell::Text);
        let rows: Vec<Row> = values.iter().map(|row| row.iter().take(names.len()).map(cell).collect()).collect();
        let given: Vec<Vec<Option<String>>> =
            values.iter().map(|row| row.iter().take(names.len()).cloned().collect()).collect();

        let written = rows::write(Format::Array, &shape, &rows, &[]).unwrap();
        let read: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read.len(), given.len());
        for (object, row) in read.iter().zip(&given) {
            for name in &names {
                let last = names.iter().rposition(|known| known == name).unwrap();
                prop_assert_eq!(&object[name], &json!(row[last]), "the last of a name that stands twice");
            }
        }

        let csv = read_csv(&rows::write(Format::Csv, &shape, &rows, &[]).unwrap());
        let header: Vec<Option<String>> = names.iter().cloned().map(Some).collect();
        prop_assert_eq!(&csv[0], &header);
        prop_assert_eq!(&csv[1..], &given[..]);
    }
}
