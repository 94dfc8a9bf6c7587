//! What a command and an import change in a counter.

use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::day::Day;
use promptmeter::counting::day_change::DayChange;
use promptmeter::counting::protocol::{Audit, IdDigest, ImportedRow, Increment, Outcome};
use promptmeter::counting::sources::{SourcedDay, Sources};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::time::DAY_QUARTERS;

use crate::counted::count;

const NOW_MS: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;

fn increment(metric: Metric, id: Option<(u64, u32)>) -> Increment {
    Increment::of(metric, NOW_MS, id.map(|(key, payload)| IdDigest { key, payload }))
}

/// The outcomes of one command, and the tally of its commit where there is one.
fn check_count(counter: &Counter, delivery: u64, increments: &[Increment], outcomes: &[Outcome], tally: Option<Tally>) {
    let (actual, commit) = count(counter, delivery, increments, NOW_MS);
    assert_eq!(actual, outcomes);
    assert_eq!(commit.map(|commit| commit.tally), tally);
}

#[test]
fn an_id_is_judged_within_its_command_and_across_commands() {
    use Outcome::{Conflicting, Counted, Repeated};
    let (one, other) = (increment(Metric::View, Some((1, 7))), increment(Metric::Copy, Some((1, 8))));
    let anonymous = increment(Metric::View, None);
    let views = |views| Some(Tally { views, ..Tally::default() });
    let mut counter = Counter::default();
    check_count(&counter, 9, &[], &[], None);
    check_count(&counter, 9, &[one], &[Counted], views(1));
    check_count(&counter, 9, &[one, one, other], &[Counted, Repeated, Conflicting], views(1));
    check_count(&counter, 9, &[anonymous, anonymous], &[Counted, Counted], views(2));
    let (_, commit) = count(&counter, 9, &[one, anonymous], NOW_MS);
    counter.keep(commit.unwrap(), DayChange::default());
    assert_eq!((counter.version, counter.tally.views), (1, 2));
    check_count(&counter, 9, &[one, anonymous], &[Repeated, Counted], None);
    check_count(&counter, 10, &[one, anonymous], &[Repeated, Counted], views(3));
    check_count(&counter, 10, &[other], &[Conflicting], None);
}

#[test]
fn a_command_without_anonymous_increments_leaves_no_name() {
    let mut counter = Counter::default();
    let (_, commit) = count(&counter, 9, &[increment(Metric::View, Some((1, 7)))], NOW_MS);
    counter.keep(commit.unwrap(), DayChange::default());
    assert_eq!(counter.ledger.len(), 1);
    let (_, commit) = count(&counter, 10, &[increment(Metric::View, None), increment(Metric::View, None)], NOW_MS);
    counter.keep(commit.unwrap(), DayChange::default());
    assert_eq!(counter.ledger.len(), 2);
    assert!(!counter.ledger.is_empty());
}

#[test]
fn an_audit_tells_what_a_counter_holds_and_what_its_days_add_up_to() {
    let mut counter = Counter::default();
    let (_, commit) =
        count(&counter, 9, &[increment(Metric::View, None), increment(Metric::Copy, Some((1, 7)))], NOW_MS);
    counter.keep(commit.unwrap(), DayChange::default());
    let (mut first, mut second) = (Day::default(), Day::default());
    first.add(10 * DAY_QUARTERS, &Tally { views: 5, ..Tally::default() });
    first.add(10 * DAY_QUARTERS + 1, &Tally { views: 2, forks: 1, ..Tally::default() });
    second.add(11 * DAY_QUARTERS, &Tally { copies: 3, ..Tally::default() });
    let audit = Audit {
        tally: Tally { views: 1, copies: 1, ..Tally::default() },
        version: 1,
        unique_visitors: 0,
        days: Tally { views: 7, copies: 3, forks: 1, ..Tally::default() },
        snapshots_ms: [None, Some(NOW_MS)],
    };
    assert_eq!(counter.audit(&[(10, first), (11, second)], [None, Some(NOW_MS)]), audit);
}

/// A row that is written costs the same however little it says, so only those that change are.
#[test]
fn views_of_known_visitors_change_the_counts_and_the_day_alone() {
    let view = |visitor, id: Option<u64>| {
        let id = id.map(|key| IdDigest { key, payload: 0 });
        Increment { visitor, source: visitor, ..Increment::of(Metric::View, NOW_MS, id) }
    };
    let mut counter = Counter::default();
    let mut check = |increments: &[Increment], [days, ids, visits]: [usize; 3], visitors: bool| {
        let (_, commit) = count(&counter, counter.version, increments, NOW_MS);
        let commit = commit.unwrap();
        let written = [&commit.ledger, &commit.visits].map(|change| change.written.len() + change.expired.len());
        assert_eq!((commit.days.len(), written), (days, [ids, visits]), "{increments:?}");
        assert_eq!(commit.visitors.is_some(), visitors, "{increments:?}");
        counter.keep(commit, DayChange::default());
    };
    check(&[view(Some(1), None)], [1, 1, 1], true);
    check(&[view(Some(1), Some(100))], [1, 1, 0], false);
    check(&[view(None, Some(101))], [1, 1, 0], false);
    check(&[view(Some(2), Some(102)), view(Some(3), Some(103))], [1, 1, 1], true);
    let fresh: Vec<Increment> = (1000..1250).map(|number| view(Some(number), Some(number))).collect();
    check(&fresh, [1, 1, 1], true);
}

#[test]
fn imported_rows_are_added_as_they_are() {
    let row = |metric, at_ms| ImportedRow { key: 7, metric, at_ms };
    let mut counter = Counter { tally: Tally { views: 5, ..Tally::default() }, version: 3, ..Counter::default() };
    assert_eq!(counter.import(&[]), None);
    let commit = counter.import(&[row(Metric::View, -1), row(Metric::View, 0), row(Metric::Copy, HOUR_MS)]).unwrap();
    let (view, copy) = (Tally { views: 1, ..Tally::default() }, Tally { copies: 1, ..Tally::default() });
    let day = |number, quarters: &[(i64, Tally)]| {
        let mut counts = Day::default();
        for (quarter, tally) in quarters {
            counts.add(*quarter, tally);
        }
        SourcedDay { number, counts, sources: Sources::default() }
    };
    let expected = Commit {
        tally: Tally { views: 7, copies: 1, ..Tally::default() },
        version: 4,
        days: vec![day(-1, &[(DAY_QUARTERS - 1, view)]), day(0, &[(0, view), (4, copy)])],
        ..Commit::default()
    };
    assert_eq!(commit, expected);
    counter.keep(commit, DayChange::default());
    assert_eq!((counter.tally.views, counter.version), (7, 4));
}
