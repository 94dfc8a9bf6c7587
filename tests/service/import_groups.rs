//! Which rows of an import are stored together.

use promptmeter::data::import::{ImportLine, ImportRow, read_line};
use promptmeter::data::import_groups::{BYTES, EVENTS, ImportGroup, ImportGroups, PARTS, PROMPTS, ROWS};
use proptest::prelude::{Strategy, any, prop, proptest};

const PROMPT: &str = "01234567-89ab-7def-8123-456789abcdef";

/// A row of each kind, and how many of it are stored at once.
fn kinds() -> [(ImportRow, usize); 4] {
    let row = |table: &str, fields: &str| {
        let line = format!(r#"{{"table":"{table}","row":{{{fields}}}}}"#).replace("PROMPT", PROMPT);
        match read_line(line.as_bytes()).unwrap() {
            ImportLine::Row(row) => row,
            ImportLine::End(_) => panic!("{line}"),
        }
    };
    [
        (row("prompts", r#""id":"PROMPT","user_id":"PROMPT","title":"t","template":"x""#), PROMPTS),
        (
            row(
                "prompt_events",
                r#""id":1,"prompt_id":"PROMPT","event_type":"view","created_at":"2026-11-01T00:00:00Z""#,
            ),
            EVENTS,
        ),
        (row("users", r#""id":"PROMPT""#), ROWS),
        (row("counter_imports", r#""prompt_id":"PROMPT","version":7,"keys":"ffffffffffffffff""#), PARTS),
    ]
}

/// The kind of a group, and the lines that it has.
fn told(group: &ImportGroup) -> (usize, Vec<u64>) {
    match group {
        ImportGroup::Prompts(rows) => (0, rows.iter().map(|(line, _)| *line).collect()),
        ImportGroup::Events(rows) => (1, rows.iter().map(|(line, _)| *line).collect()),
        ImportGroup::Rows(rows) => (2, rows.iter().map(|(line, _)| *line).collect()),
        ImportGroup::Parts(rows) => (3, rows.iter().map(|(line, _)| *line).collect()),
    }
}

/// The groups of rows of these kinds and bytes, whose numbers are their places.
fn grouped(rows: &[(usize, usize)]) -> Vec<(usize, Vec<u64>)> {
    let kinds = kinds();
    let mut groups = ImportGroups::default();
    let numbered = (0..).zip(rows);
    let mut found: Vec<_> =
        numbered.filter_map(|(line, (kind, bytes))| groups.push(line, *bytes, kinds[*kind].0.clone())).collect();
    found.extend(groups.take());
    assert_eq!(groups.take(), None);
    found.iter().map(told).collect()
}

#[test]
fn so_many_of_a_kind_are_stored_at_once() {
    for (kind, (_, most)) in kinds().into_iter().enumerate() {
        let sizes =
            |count: usize| grouped(&vec![(kind, 1); count]).iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(most), [most], "{kind}");
        assert_eq!(sizes(2 * most + 1), [most, most, 1], "{kind}");
    }
}

#[test]
fn lines_that_are_long_are_stored_sooner_but_for_events() {
    for (kind, expected) in [(0, vec![2, 2, 1]), (1, vec![5]), (2, vec![2, 2, 1]), (3, vec![2, 2, 1])] {
        let sizes: Vec<_> = grouped(&[(kind, BYTES / 2); 5]).iter().map(|(_, rows)| rows.len()).collect();
        assert_eq!(sizes, expected, "{kind}");
    }
    // What is not full yet takes one more, however long it is.
    assert_eq!(grouped(&[(0, BYTES - 1), (0, 10 * BYTES), (0, 1)]), [(0, vec![0, 1]), (0, vec![2])]);
    // The bytes of what was stored weigh no more.
    assert_eq!(grouped(&[(0, BYTES), (2, 1), (2, 1)]), [(0, vec![0]), (2, vec![1, 2])]);
}

/// Runs of rows of one kind.
fn rows() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let run = (0..4_usize, 1..120_usize, any::<prop::sample::Index>());
    prop::collection::vec(run, 0..12).prop_map(|runs| {
        runs.into_iter().flat_map(|(kind, count, bytes)| vec![(kind, 1 + bytes.index(BYTES / 8)); count]).collect()
    })
}

proptest! {
    /// Nothing is lost, doubled or moved, groups are of one kind and within the bounds, and none ends before it has to.
    #[test]
    fn the_groups_are_the_rows_in_their_order(rows in rows()) {
        let kinds = kinds();
        let found = grouped(&rows);
        let lines: Vec<u64> = found.iter().flat_map(|(_, lines)| lines.clone()).collect();
        assert_eq!(lines, (0..rows.len() as u64).collect::<Vec<_>>());
        let of = |line: &u64| rows[usize::try_from(*line).unwrap()];
        for (place, (kind, lines)) in found.iter().enumerate() {
            assert!(lines.iter().all(|line| of(line).0 == *kind));
            let bytes = |lines: &[u64]| lines.iter().map(|line| of(line).1).sum::<usize>();
            let is_full = |lines: &[u64]| lines.len() == kinds[*kind].1 || (*kind != 1 && bytes(lines) >= BYTES);
            assert!(!is_full(&lines[..lines.len() - 1]), "{kind}: {} rows", lines.len());
            if let Some((next, _)) = found.get(place + 1) {
                assert!(next != kind || is_full(lines), "{kind}: {} rows, {} bytes", lines.len(), bytes(lines));
            }
        }
    }
}
