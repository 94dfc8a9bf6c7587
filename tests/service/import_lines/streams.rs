//! From a stream to lines, and from rows to parameters.

use super::*;

/// The lines of a text that comes in chunks of every size.
fn check_lines(text: &[u8], longest: usize, expected: &[(u64, &[u8])]) {
    for size in 1..=text.len().max(1) {
        let mut lines = Lines::new(longest);
        let mut actual: Vec<_> = text.chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
        actual.extend(lines.finish());
        let actual: Vec<(u64, &[u8])> = actual.iter().map(|line| (line.number, line.bytes.as_slice())).collect();
        assert_eq!(actual, expected, "{text:?} in chunks of {size}");
    }
}

#[test]
fn a_stream_is_split_into_lines() {
    check_lines(b"", 4, &[]);
    check_lines(b"\n\r\n \t\n", 4, &[]);
    check_lines(b"a", 4, &[(1, b"a")]);
    check_lines(b"a\n", 4, &[(1, b"a")]);
    check_lines(b"a\nb\r\n\nc", 4, &[(1, b"a"), (2, b"b\r"), (4, b"c")]);
    check_lines(b"\xff\0\n\xc3\n\xa9", 4, &[(1, b"\xff\0"), (2, b"\xc3"), (3, b"\xa9")]);
    check_lines(
        b"1234\n12345\n1234567\n1\n1234567",
        4,
        &[(1, b"1234"), (2, b"12345"), (3, b"12345"), (4, b"1"), (5, b"12345")],
    );
}

#[test]
fn the_report_lists_the_first_refusals_and_counts_them_all() {
    let mut report = ImportReport {
        imported: RowCounts { prompts: 2, prompt_events: 3, others: Vec::new() },
        ..ImportReport::default()
    };
    report.refuse(7, Problem::at(Code::InvalidUuid, "/row/id", "id must be a UUID."));
    report.refuse(9, Problem::new(Code::InvalidJson, "No."));
    let expected = concat!(
        r#"{"imported":{"prompts":2,"prompt_events":3},"repeated":{"prompts":0,"prompt_events":0},"refused_count":2,"#,
        r#""refused":[{"line":7,"code":"invalid_uuid","detail":"id must be a UUID.","pointer":"/row/id"},"#,
        r#"{"line":9,"code":"invalid_json","detail":"No."}]}"#,
    );
    assert_eq!(serde_json::to_string(&report).unwrap(), expected);
    for line in 10..1010 {
        report.refuse(line, Problem::new(Code::InvalidJson, "No."));
    }
    assert_eq!((report.refused_count, report.refused.len()), (1002, 1000));
    assert_eq!(report.refused.last().map(|refusal| refusal.line), Some(1007));
}

/// Rows that are bound as JSON arrays of these sizes.
fn check_arrays(rows: &[String], expected: &[usize]) {
    let arrays = json_arrays(rows).unwrap();
    let read: Vec<Vec<String>> = arrays.iter().map(|array| serde_json::from_str(array).unwrap()).collect();
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), expected);
    assert_eq!(read.concat(), rows);
    for (array, rows) in arrays.iter().zip(read) {
        assert!(rows.len() == 1 || array.len() <= ARRAY_BYTES, "{} bytes", array.len());
    }
}

#[test]
fn rows_are_bound_in_arrays_that_are_small_enough() {
    let row = |bytes: usize| "x".repeat(bytes - 2);
    check_arrays(&[], &[]);
    check_arrays(&["\u{0}\"😀".to_owned()], &[1]);
    check_arrays(&[row(10), row(20), row(30)], &[3]);
    check_arrays(&[row(449_998), row(449_999)], &[2]);
    check_arrays(&[row(449_999), row(449_999)], &[1, 1]);
    check_arrays(&[row(10), row(1_900_000), row(10), row(10)], &[1, 1, 2]);
}
