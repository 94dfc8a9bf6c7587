//! What counters tell the database, many at once.

use promptmeter::counting::snapshot::Snapshot;
use promptmeter::counting::tally::Tally;
use promptmeter::counting::windows::Recent;
use promptmeter::rankings::telling::{BEGIN_TELLING, STORE_COUNTS, STORE_STANDINGS, SnapshotRow, TOLD};
use rusqlite::Connection;

use crate::ranked::{library, prompt_id};

const AT: &str = "2026-11-20T12:00:00.000000+00:00";

/// Snapshots of prompts by their numbers, each of a version; their counts follow from both.
fn snapshots(of: &[(usize, u64)]) -> String {
    let row = |(number, version): &(usize, u64)| {
        let counted = 100 * *number as u64 + 10 * version;
        let [views, copies, forks, compares, visits] = [0, 1, 2, 3, 4].map(|place| counted + place);
        let tally = Tally { views, copies, forks, compares, visits, ..Tally::default() };
        let recent = Recent { counts: [tally; 3], trend: None, changes_ms: None };
        let snapshot = Snapshot { tally, unique_visitors: counted + 5, version: *version, recent };
        SnapshotRow::of(prompt_id(*number).parse().unwrap(), &snapshot)
    };
    serde_json::to_string(&of.iter().map(row).collect::<Vec<_>>()).unwrap()
}

/// Stores snapshots, one after another those of a transaction, and tells the rankings at an instant if they were not since another.
fn store(database: &Connection, of: &[(usize, u64)], at_ms: i64, since_ms: i64) {
    let rows = snapshots(of);
    database.execute(STORE_COUNTS, [rows.as_str(), AT]).unwrap();
    database.execute(BEGIN_TELLING, rusqlite::params![rows, at_ms, since_ms]).unwrap();
    database.execute(STORE_STANDINGS, rusqlite::params![rows, at_ms]).unwrap();
}

fn told(database: &Connection, of: &[(usize, u64)]) -> Vec<(String, Option<i64>)> {
    let mut prepared = database.prepare(TOLD).unwrap();
    let rows = prepared.query_map([snapshots(of)], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn own(rows: &[(usize, Option<i64>)]) -> Vec<(String, Option<i64>)> {
    rows.iter().map(|(number, told_ms)| (prompt_id(*number), *told_ms)).collect()
}

/// Version and views of each prompt, and what its rankings say of views.
fn stored(database: &Connection) -> Vec<[i64; 4]> {
    let sql = "select version, view_count, unique_visitors - compare_count - copy_count + fork_count + view_count \
            - visit_count, coalesce((select total from prompt_rankings r \
                where r.prompt_id = s.prompt_id and metric = 'view'), -1) \
        from prompt_stats s order by prompt_id";
    let mut prepared = database.prepare(sql).unwrap();
    let rows = prepared.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn each_snapshot_is_judged_by_itself() {
    let database = library();
    store(&database, &[(0, 3), (1, 5), (99, 1)], 1000, 0);
    // 5 - 3 - 1 + 2 + 0 - 4: each count is where it belongs.
    let first = [[3, 30, -1, 30], [5, 150, -1, 150]];
    assert_eq!(stored(&database), first, "a prompt that is gone has no row");
    assert_eq!(told(&database, &[(0, 3), (1, 5), (99, 1)]), own(&[(0, Some(1000)), (1, Some(1000))]));
    // The first is older than what stands, the second as old; the third is told now, the others were.
    store(&database, &[(0, 2), (1, 5), (2, 1)], 2000, 999);
    assert_eq!(stored(&database), [first[0], first[1], [1, 210, -1, 210]]);
    assert_eq!(told(&database, &[(0, 2), (1, 5), (2, 1)]), own(&[(1, Some(1000)), (2, Some(2000))]));
    // Of two of one prompt the newer stands, in whichever order they come.
    store(&database, &[(0, 5), (0, 4), (1, 6), (1, 7)], 3000, 1500);
    assert_eq!(stored(&database), [[5, 50, -1, 50], [7, 170, -1, 170], [1, 210, -1, 210]]);
    assert_eq!(told(&database, &[(0, 5), (0, 4), (1, 6), (1, 7)]), own(&[(0, Some(3000)), (1, Some(3000))]));
    // Within the interval counts are stored, and rankings are not.
    store(&database, &[(1, 9), (2, 4)], 3500, 2000);
    assert_eq!(stored(&database)[1..], [[9, 190, -1, 170], [4, 240, -1, 240]]);
    assert_eq!(told(&database, &[(1, 9), (2, 4)]), own(&[(1, Some(3000)), (2, Some(3500))]));
}

/// However many prompts there are, each row of a snapshot is found by its key.
#[test]
fn no_table_is_scanned() {
    let database = library();
    for sql in [STORE_COUNTS, BEGIN_TELLING, STORE_STANDINGS, TOLD] {
        let mut prepared = database.prepare(&format!("explain query plan {sql}")).unwrap();
        let parameters = vec![""; prepared.parameter_count()];
        let steps = prepared.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        let scans: Vec<String> = steps.map(Result::unwrap).filter(|step| step.starts_with("SCAN")).collect();
        let of_snapshots = |step: &String| ["json_each", "t ", "s "].iter().any(|name| step.contains(name));
        assert!(!scans.is_empty() && scans.iter().all(of_snapshots), "{sql}: {scans:?}");
    }
}
