//! What is stored of days that a commit adds to.

use std::collections::BTreeMap;
use std::convert::Infallible;

use promptmeter::counting::day::Day;
use promptmeter::counting::day_change::{ChangedDay, DayChange};
use promptmeter::counting::sources::{SourcedDay, Sources};
use promptmeter::counting::tally::Tally;
use promptmeter::time::DAY_QUARTERS;
use proptest::prelude::*;

const TODAY: i64 = 20_000;

/// A day with so many views, of a source or of nobody.
fn day(number: i64, views: u64, source: Option<u64>) -> SourcedDay {
    let (quarter, added) = (number * DAY_QUARTERS, Tally { views, ..Tally::default() });
    let (mut counts, mut sources) = (Day::default(), Sources::default());
    counts.add(quarter, &added);
    if let Some(source) = source {
        sources.add(source, quarter, &added, 0);
    }
    SourcedDay { number, counts, sources }
}

fn changed(number: i64, views: u64, with_sources: bool) -> ChangedDay {
    ChangedDay { day: day(number, views, None), with_sources }
}

/// The open day, the days that have a row, and those that are added to, each with its views; and what is to be stored.
#[track_caller]
fn check(open: Option<(i64, u64)>, rows: &[(i64, u64)], added: &[(i64, u64)], expected: &DayChange) {
    let rows: BTreeMap<i64, u64> = rows.iter().copied().collect();
    let open = open.map(|(number, views)| day(number, views, None));
    let added: Vec<SourcedDay> = added.iter().map(|(number, views)| day(*number, *views, None)).collect();
    let stored = |number| Ok::<_, Infallible>(rows.get(&number).map(|views| day(number, *views, None)));
    assert_eq!(&DayChange::of(open.as_ref(), &added, TODAY, stored).unwrap(), expected);
}

#[test]
fn the_newest_day_is_open_and_the_others_have_rows() {
    const YESTERDAY: i64 = TODAY - 1;
    const TOMORROW: i64 = TODAY + 1;
    let nothing = DayChange::default;
    let opened = |number, views| DayChange {
        open: Some(changed(number, views, true)),
        sources_since: Some(number - 2),
        ..nothing()
    };
    check(None, &[], &[], &nothing());
    check(None, &[], &[(TODAY, 1)], &opened(TODAY, 1));
    check(Some((TODAY, 5)), &[], &[(TODAY, 1)], &DayChange { open: Some(changed(TODAY, 6, false)), ..nothing() });
    check(
        Some((TODAY, 5)),
        &[(YESTERDAY, 7)],
        &[(YESTERDAY, 1)],
        &DayChange { written: vec![changed(YESTERDAY, 8, false)], ..nothing() },
    );
    // A day is closed with what is added to it in the same commit.
    let closed = DayChange { written: vec![changed(TODAY, 6, false)], ..opened(TOMORROW, 2) };
    check(Some((TODAY, 5)), &[], &[(TODAY, 1), (TOMORROW, 2)], &closed);
    // A day of the future has a row until it comes.
    check(
        Some((TODAY, 5)),
        &[],
        &[(TODAY + 2, 1)],
        &DayChange { written: vec![changed(TODAY + 2, 1, false)], ..nothing() },
    );
    check(
        Some((YESTERDAY, 5)),
        &[(TODAY, 3)],
        &[(TODAY, 1)],
        &DayChange { deleted: vec![TODAY], written: vec![changed(YESTERDAY, 5, false)], ..opened(TODAY, 4) },
    );
}

#[test]
fn sources_are_written_where_they_change() {
    let open = day(TODAY, 5, Some(1));
    let with = |source| {
        let added = [day(TODAY, 1, source)];
        let change = DayChange::of(Some(&open), &added, TODAY, |_| Ok::<_, Infallible>(None));
        change.unwrap().open.map(|changed| (changed.with_sources, changed.day.sources.len()))
    };
    assert_eq!(with(None), Some((false, 1)));
    assert_eq!(with(Some(1)), Some((true, 1)));
    assert_eq!(with(Some(2)), Some((true, 2)));
}

proptest! {
    /// Each day is stored once, with all that was ever added to it.
    #[test]
    fn nothing_is_lost_in_any_order(
        commits in prop::collection::vec(prop::collection::btree_map(-3..=4_i64, 1..5_u64, 0..5), 1..8),
        orders in prop::collection::vec(any::<prop::sample::Index>(), 8),
        passing in prop::collection::vec(0..2_i64, 8),
    ) {
        let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
        let (mut open, mut rows): (Option<SourcedDay>, BTreeMap<i64, SourcedDay>) = Default::default();
        let mut today = TODAY;
        for ((commit, order), passed) in commits.into_iter().zip(orders).zip(passing) {
            today += passed;
            let mut coming: Vec<SourcedDay> =
                commit.into_iter().map(|(number, views)| day(today + number, views, None)).collect();
            let turned = order.index(coming.len().max(1)).min(coming.len());
            coming.rotate_left(turned);
            let mut added = Vec::new();
            for day in &coming {
                SourcedDay::among(&mut added, day.number).unwrap().add_all(day);
            }
            for added in &added {
                let views: u64 = added.counts.quarters(0).map(|(_, tally)| tally.views).sum();
                *expected.entry(added.number).or_default() += views;
            }
            let stored = |number| Ok::<_, Infallible>(rows.get(&number).cloned());
            let change = DayChange::of(open.as_ref(), &added, today, stored).unwrap();
            for number in change.deleted {
                prop_assert!(rows.remove(&number).is_some());
            }
            rows.extend(change.written.into_iter().map(|changed| (changed.day.number, changed.day)));
            open = change.open.map(|changed| changed.day).or(open);
        }
        prop_assert!(open.as_ref().is_none_or(|open| !rows.contains_key(&open.number)));
        let views = |day: &SourcedDay| day.counts.quarters(0).map(|(_, tally)| tally.views).sum::<u64>();
        let stored: BTreeMap<i64, u64> = rows.values().chain(&open).map(|day| (day.number, views(day))).collect();
        prop_assert_eq!(stored, expected);
    }
}
