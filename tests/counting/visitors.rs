//! Distinct visitors: exact, then estimated, merged, stored.

use std::collections::BTreeSet;

use promptmeter::counting::visitors::{EXACT, REGISTERS, Visitors};
use proptest::prelude::*;

/// Numbers that are as uniform as digests are (`SplitMix64`).
fn digests(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |number: u64| {
        let mut mixed = seed.wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    })
}

fn seeds(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|seed| seed << 32)
}

fn of(digests: impl IntoIterator<Item = u64>) -> Visitors {
    let mut visitors = Visitors::default();
    for digest in digests {
        visitors.insert(digest);
    }
    visitors
}

#[test]
fn up_to_512_are_exact_and_nobody_is_counted_twice() {
    let mut visitors = Visitors::default();
    for (known, digest) in (0..EXACT as u64).zip(digests(1)) {
        assert_eq!((visitors.count(), visitors.knows(digest)), (known, false));
        assert_eq!(visitors.novelty(digest), 1);
        visitors.insert(digest);
        visitors.insert(digest);
        assert_eq!((visitors.knows(digest), visitors.novelty(digest)), (true, 0));
    }
    assert_eq!(visitors.count(), 512);
    let next = digests(1).nth(EXACT).unwrap();
    assert_eq!(visitors.novelty(next), 1);
    visitors.insert(next);
    assert_eq!(visitors.novelty(next), 0);
    assert!(visitors.count() > 512);
    assert!(digests(1).take(EXACT + 1).all(|digest| visitors.knows(digest)));
}

/// Relative errors, in percent, of estimates of so many visitors.
fn errors(count: u32, seeds_of_it: u64) -> Vec<f64> {
    let real = f64::from(count);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let error = |seed| 100.0 * (of(digests(seed).take(count as usize)).count() as f64 - real) / real;
    seeds(seeds_of_it).map(error).collect()
}

/// The standard error is 1.04 / √4096 = 1.625 %; of so many seeds, the bounds on mean and spread are three standard errors
/// of theirs, those on the worst one four of the estimate.
#[test]
fn estimates_are_off_by_1_6_percent() {
    for (count, seeds) in [(1_000, 40), (3_000, 40), (10_000, 40), (30_000, 20), (100_000, 12), (1_000_000, 6)] {
        let errors = errors(count, seeds);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let number = seeds as f64;
        let mean = errors.iter().sum::<f64>() / number;
        let spread = (errors.iter().map(|error| error * error).sum::<f64>() / number).sqrt();
        let worst = errors.iter().fold(0.0_f64, |worst, error| worst.max(error.abs()));
        println!("{count}: mean {mean:.2} %, standard error {spread:.2} %, worst {worst:.2} %");
        assert!(mean.abs() <= 3.0 * 1.625 / number.sqrt(), "{count}: mean {mean}");
        assert!(spread <= 1.625 * (1.0 + 3.0 / (2.0 * number).sqrt()), "{count}: spread {spread}");
        assert!(worst <= 4.0 * 1.625, "{count}: worst {worst}");
    }
}

/// Where exact ends, small counts are nearly so: the estimate counts registers that are not used.
#[test]
fn no_step_where_exact_ends() {
    for count in [513, 520, 600, 800] {
        let errors = errors(count, 40);
        assert!(errors.iter().all(|error| error.abs() < 5.0), "{count}: {errors:?}");
    }
}

/// What the visitors of a source stand for is, on average, how many were new.
#[test]
fn new_visitors_of_a_source_are_right_on_average() {
    let (mut expected, mut attributed) = (0, 0);
    for seed in seeds(40) {
        let mut visitors = Visitors::default();
        for (place, digest) in (0..6_000_u64).zip(digests(seed)) {
            let novelty = visitors.novelty(digest);
            visitors.insert(digest);
            if place % 3 == 0 {
                expected += 1;
                attributed += novelty;
            }
        }
    }
    let off = attributed.abs_diff(expected);
    assert!(off * 100 < 3 * expected, "{attributed} instead of {expected}");
}

/// Where half of all new visitors change a sketch, each that does stands for two, whatever the last bits are by which it rounds.
#[test]
fn a_whole_number_of_visitors_is_not_rounded() {
    let half = Visitors::unpack(&[&[2][..], &[1; REGISTERS]].concat()).unwrap();
    for last_bits in [0, 1, 0x7fff, 0xffff] {
        assert_eq!(half.novelty(last_bits), 2, "{last_bits:#x}");
    }
}

#[test]
fn registers_hold_what_no_digest_passes() {
    let mut visitors = of(digests(3).take(EXACT + 1));
    let full = (0..REGISTERS as u64).map(|register| register << 52);
    visitors.merge(&of(full));
    assert!(visitors.count() > 1 << 60);
    assert_eq!(Visitors::unpack(&visitors.pack()), Some(visitors.clone()));
    assert_eq!(visitors.novelty(7), 0);
}

#[test]
fn what_is_no_set_is_none() {
    let exact = of(digests(1).take(EXACT)).pack();
    let sketch = of(digests(1).take(1000)).pack();
    assert!(Visitors::unpack(&exact).is_some() && Visitors::unpack(&sketch).is_some());
    let with = |packed: &[u8], place: usize, byte: u8| {
        let mut packed = packed.to_vec();
        packed[place] = byte;
        packed
    };
    let too_many = of(digests(1).take(EXACT)).pack().into_iter().chain([255; 8]).collect();
    for packed in [
        vec![],
        vec![0],
        vec![3],
        exact[..exact.len() - 1].to_vec(),
        with(&exact, 0, 2),
        with(&exact, 1, 255),
        [&exact[..1], &exact[1..9], &exact[1..9]].concat(),
        too_many,
        sketch[..sketch.len() - 1].to_vec(),
        with(&sketch, 0, 1),
        with(&sketch, 9, 54),
    ] {
        assert_eq!(Visitors::unpack(&packed), None, "{} bytes", packed.len());
    }
}

/// A set of digests, sometimes of few, sometimes of more than are kept.
fn any_digests() -> impl Strategy<Value = BTreeSet<u64>> {
    (prop_oneof![0..40_usize, 300..600_usize, 1000..1500_usize], 0..3_u64, 0..2000_usize)
        .prop_map(|(count, seed, skipped)| digests(seed << 32).skip(skipped).take(count).collect())
}

fn union(one: &Visitors, other: &Visitors) -> Visitors {
    let mut union = one.clone();
    union.merge(other);
    union
}

/// Ertl's improved raw estimator ("New cardinality estimation algorithms for `HyperLogLog` sketches", 2017), each sum term by term.
fn estimate_of(registers: &[u8]) -> f64 {
    let (count, highest) = (f64::from(1 << 12), 53);
    let having = |rank: u8| registers.iter().filter(|known| **known == rank).map(|_| 1.0).sum::<f64>();
    let unused = having(0) / count;
    let sigma = unused + (1..60).map(|k| unused.powf(2_f64.powi(k)) * 2_f64.powi(k - 1)).sum::<f64>();
    let below = 1.0 - having(highest) / count;
    let tau =
        (1.0 - below - (1..60).map(|k| (1.0 - below.powf(2_f64.powi(-k))).powi(2) * 2_f64.powi(-k)).sum::<f64>()) / 3.0;
    let middle: f64 = (1..highest).map(|rank| having(rank) * 2_f64.powi(-i32::from(rank))).sum();
    let saturated = count * tau * 2_f64.powi(1 - i32::from(highest));
    count * count / (2.0 * std::f64::consts::LN_2 * (count * sigma + middle + saturated))
}

/// A sketch whose registers have these ranks, in turn.
fn sketch(ranks: &[u8]) -> Visitors {
    let mut packed = of(digests(1).take(EXACT + 1)).pack();
    let place = |byte: usize| ranks[byte % ranks.len()];
    packed.iter_mut().skip(1).enumerate().for_each(|(byte, register)| *register = place(byte));
    Visitors::unpack(&packed).unwrap()
}

/// Also of ranks that no number of visitors in this world comes to.
#[test]
fn estimates_are_those_of_the_formula() {
    let cases = [
        &[0, 1][..],
        &[0, 0, 0, 3],
        &[1],
        &[7, 8, 9],
        &[20, 30],
        &[50, 53],
        &[50, 50, 53],
        &[49, 51, 53, 53],
        &[48, 53, 53, 53],
        &[0, 53],
        &[52, 53],
    ];
    for ranks in cases {
        let expected =
            estimate_of(&ranks.iter().copied().cycle().take(REGISTERS).collect::<Vec<_>>()).min(2_f64.powi(64));
        #[expect(clippy::cast_precision_loss, reason = "compared to one part in a million")]
        let told = sketch(ranks).count() as f64;
        assert!((told - expected).abs() <= 0.5 + 1e-6 * expected, "{ranks:?}: {told} and {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    /// So it is commutative, associative and idempotent; and it does not matter in which order visitors come.
    #[test]
    fn a_union_is_the_set_of_the_union(one in any_digests(), other in any_digests(), third in any_digests()) {
        let [a, b, c] = [&one, &other, &third].map(|digests| of(digests.iter().copied()));
        let both: BTreeSet<u64> = one.union(&other).copied().collect();
        let all: BTreeSet<u64> = both.union(&third).copied().collect();
        prop_assert_eq!(&union(&a, &b), &of(both.iter().copied()));
        prop_assert_eq!(&union(&b, &a), &of(both.iter().rev().copied()));
        prop_assert_eq!(&union(&union(&a, &b), &c), &of(all.iter().copied()));
        prop_assert_eq!(&union(&a, &union(&b, &c)), &of(all.iter().copied()));
        prop_assert_eq!(&union(&a, &a), &a);
        prop_assert_eq!(Visitors::unpack(&a.pack()), Some(a.clone()));
        if one.len() <= EXACT {
            prop_assert_eq!(a.count(), one.len() as u64);
        }
    }

    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Some(visitors) = Visitors::unpack(&bytes) {
            prop_assert_eq!(visitors.pack(), bytes);
        }
    }
}
