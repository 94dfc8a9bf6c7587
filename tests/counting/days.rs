//! What is counted by quarters of an hour: as it is stored, added up, and worth something to the rankings.

use std::collections::BTreeMap;

use promptmeter::counting::day::{Day, between};
use promptmeter::counting::tally::Tally;
use promptmeter::counting::windows::{Recent, first_day, score, spread_ms, trend, trend_since};
use promptmeter::time::{DAY_QUARTERS, QUARTER_MS, quarter_of};
use proptest::prelude::*;
use uuid::Uuid;

const HOUR: i64 = 4;
const DAY: i64 = 24 * HOUR;

fn tally(views: u64, copies: u64) -> Tally {
    Tally { views, copies, forks: views % 3, compares: copies % 5, visits: views - views / 3, ..Tally::default() }
}

/// The days that hold these counts of quarters since 1970.
fn days_of(quarters: &BTreeMap<i64, Tally>) -> Vec<(i64, Day)> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for (quarter, tally) in quarters {
        days.entry(quarter.div_euclid(DAY_QUARTERS)).or_default().add(*quarter, tally);
    }
    days.into_iter().collect()
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    let mut sum = Tally::default();
    tallies.for_each(|tally| sum.add_all(tally));
    sum
}

#[test]
fn stored_bytes() {
    let mut day = Day::default();
    assert_eq!(day.pack(), [8]);
    day.add(DAY_QUARTERS + 95, &Tally { views: 1, copies: 127, forks: 128, compares: 1 << 53, ..Tally::default() });
    day.add(-DAY_QUARTERS, &Tally { views: 300, ..Tally::default() });
    let before_visits = [4, 0, 0xac, 2, 0, 0, 0, 95, 1, 127, 128, 1, 128, 128, 128, 128, 128, 128, 128, 16];
    assert_eq!(Day::unpack(&before_visits), Some(day.clone()));
    day.add(0, &Tally { visits: 1, bots: 2, headless: 3, prefetches: 4, ..Tally::default() });
    let packed = [
        8, 0, 0xac, 2, 0, 0, 0, 1, 2, 3, 4, // a quarter
        95, 1, 127, 128, 1, 128, 128, 128, 128, 128, 128, 128, 16, 0, 0, 0, 0, // another
    ];
    assert_eq!(day.pack(), packed);
    assert_eq!(Day::unpack(&packed), Some(day));
}

#[test]
fn what_is_no_day_is_none() {
    for bytes in [
        &[][..],
        &[9, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        &[4, 0],
        &[4, 0, 1, 1, 1],
        &[4, 0, 1, 1, 1, 0x80],
        &[4, 0xff, 3, 1, 1, 1, 1],
    ] {
        assert_eq!(Day::unpack(bytes), None, "{bytes:?}");
    }
}

#[test]
fn an_instant_before_1970_is_in_the_quarter_before() {
    assert_eq!([-1, 0, QUARTER_MS - 1, QUARTER_MS].map(quarter_of), [-1, 0, 0, 1]);
}

/// Counts of some quarters around 50 days after 1970.
fn any_quarters() -> impl Strategy<Value = BTreeMap<i64, Tally>> {
    let counts = (0_u64..1 << 40, 0_u64..1000).prop_map(|(views, copies)| tally(views, copies));
    prop::collection::btree_map(0..50 * DAY, counts, 0..200)
}

proptest! {
    #[test]
    fn what_is_packed_is_read_back(quarters in any_quarters()) {
        for (number, day) in days_of(&quarters) {
            prop_assert_eq!(Day::unpack(&day.pack()), Some(day.clone()));
            let range = number * DAY_QUARTERS..(number + 1) * DAY_QUARTERS;
            prop_assert!(day.quarters(number).eq(quarters.range(range).map(|(quarter, tally)| (*quarter, tally))));
        }
    }

    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Some(day) = Day::unpack(&bytes) {
            prop_assert_eq!(Day::unpack(&day.pack()), Some(day));
        }
    }

    #[test]
    fn days_are_added_up(one in any_quarters(), other in any_quarters()) {
        let mut both = one.clone();
        for (quarter, tally) in &other {
            both.entry(*quarter).or_default().add_all(tally);
        }
        let mut added: BTreeMap<i64, Day> = days_of(&one).into_iter().collect();
        for (number, day) in days_of(&other) {
            added.entry(number).or_default().add_all(&day);
        }
        prop_assert_eq!(added.into_iter().collect::<Vec<_>>(), days_of(&both));
    }

    /// What is taken away is what is left subtracted, and nothing falls below 0.
    #[test]
    fn days_are_taken_away(one in any_quarters(), other in any_quarters()) {
        let mut left = one.clone();
        for (quarter, tally) in &other {
            left.entry(*quarter).and_modify(|mine| *mine = mine.without(tally));
        }
        left.retain(|_, tally| *tally != Tally::default());
        let others: BTreeMap<i64, Day> = days_of(&other).into_iter().collect();
        let mut taken = Tally::default();
        let mut days = days_of(&one);
        for (number, day) in &mut days {
            taken.add_all(&others.get(number).map(|other| day.take_all(other)).unwrap_or_default());
        }
        days.retain(|(_, day)| *day != Day::default());
        let lefts: Vec<_> = days_of(&left).into_iter().collect();
        prop_assert_eq!(days, lefts);
        prop_assert_eq!(sum(one.values()).without(&sum(left.values())), taken);
    }

    #[test]
    fn what_lies_between_bounds_is_added_up(
        quarters in any_quarters(),
        bounds in prop::collection::btree_set(-DAY..51 * DAY, 0..40),
    ) {
        let bounds: Vec<i64> = bounds.into_iter().collect();
        let expected: Vec<(usize, Tally)> = bounds
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| quarters.range(pair[0]..pair[1]).next().is_some())
            .map(|(place, pair)| (place, sum(quarters.range(pair[0]..pair[1]).map(|(_, tally)| tally))))
            .collect();
        prop_assert_eq!(between(&days_of(&quarters), &bounds), expected);
    }

    /// The windows, one after the other as they are told, against their definition; and until they change, they do not.
    #[test]
    fn windows_hold_what_is_young_enough(quarters in any_quarters(), now in 30 * DAY..90 * DAY) {
        let recent_at = |now: i64| {
            let days = days_of(&quarters);
            let first = first_day(now * QUARTER_MS);
            Recent::of(&days.into_iter().filter(|(number, _)| *number >= first).collect::<Vec<_>>(), now * QUARTER_MS)
        };
        let at_least = |start: i64| sum(quarters.range(start..).map(|(_, tally)| tally));
        let expected = |now: i64| {
            [
                at_least((now.div_euclid(HOUR) - 24) * HOUR),
                at_least((now.div_euclid(6 * HOUR) - 28) * 6 * HOUR),
                at_least((now.div_euclid(DAY) - 30) * DAY),
            ]
        };
        let recent = recent_at(now);
        prop_assert_eq!(recent.counts, expected(now));
        prop_assert_eq!(first_day(now * QUARTER_MS), now.div_euclid(DAY) - 30);
        match recent.changes_ms {
            None => prop_assert_eq!(recent.counts, [Tally::default(); 3]),
            Some(changes_ms) => {
                let changes = changes_ms / QUARTER_MS;
                prop_assert!(changes > now && changes_ms % QUARTER_MS == 0);
                prop_assert_eq!(expected(changes - 1), recent.counts);
                // What leaves may be a quarter without a count.
                prop_assert!(recent_at(changes).changes_ms.is_none_or(|next_ms| next_ms > changes_ms));
            }
        }
    }

    /// The trend orders prompts as the sum of their visits does, each halved with each day of its age, at any time.
    #[test]
    fn trends_are_halved_each_day(one in any_quarters(), other in any_quarters(), later in 50 * DAY..55 * DAY) {
        let visits = |quarters: &BTreeMap<i64, Tally>| -> Vec<(i64, u64)> {
            quarters.iter().map(|(quarter, tally)| (*quarter, tally.visits)).collect()
        };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let worth = |quarters: &BTreeMap<i64, Tally>| -> f64 {
            quarters.iter().map(|(quarter, tally)| tally.visits as f64 * 0.5_f64.powf((later - quarter) as f64 / DAY as f64)).sum()
        };
        let scored = |quarters| trend(&visits(quarters)).map_or(0.0, |trend| score(trend, later * QUARTER_MS));
        for quarters in [&one, &other] {
            prop_assert!((scored(quarters) - worth(quarters)).abs() <= 1e-6 * worth(quarters));
        }
        let (trends, worths) = ([&one, &other].map(|quarters| trend(&visits(quarters))), [&one, &other].map(worth));
        if (worths[0] - worths[1]).abs() > 2e-6 * worths[0] {
            prop_assert_eq!(trends[0] > trends[1], worths[0] > worths[1]);
        }
    }
}

#[test]
fn counters_write_at_different_times() {
    let spread: Vec<i64> =
        (0..10_000).map(|number| spread_ms(Uuid::from_u128(number * 0x9e37_79b9_7f4a_7c15))).collect();
    assert!(spread.iter().all(|late_ms| (0..QUARTER_MS).contains(late_ms)));
    let early = spread.iter().filter(|late_ms| **late_ms < QUARTER_MS / 10).count();
    assert!((800..1200).contains(&early), "{early} in a tenth of the time");
}

#[test]
fn a_visit_since_a_start_is_a_trend_of_at_least_that() {
    for start in [0, 1, 20_000 * DAY + 7] {
        assert!(trend(&[(start, 1)]).unwrap() >= trend_since(start));
        assert!(trend(&[(start - 1, 1)]).unwrap() < trend_since(start));
    }
    assert_eq!(trend(&[]), None);
    assert_eq!(trend(&[(7, 0)]), None);
}
