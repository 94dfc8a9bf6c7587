//! What it costs to judge an experiment: `cargo bench --bench verdict` prints microseconds for extreme counts.

use std::hint::black_box;
use std::time::Instant;

use promptmeter::statistics::count;
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::verdict::arm::Arm;
use promptmeter::verdict::judgement::judge;

/// Rounds, of which the median is printed.
const ROUNDS: usize = 201;
/// Judgements in a round.
const JUDGEMENTS: u32 = 10;

/// Sessions and conversions of two arms.
const COUNTS: &[(&str, [(u64, u64); 2])] = &[
    ("no sessions", [(0, 0), (0, 0)]),
    ("one session each", [(1, 0), (1, 1)]),
    ("no conversions", [(1000, 0), (1000, 0)]),
    ("conversions in one arm", [(1000, 7), (1000, 0)]),
    ("all convert", [(500, 500), (500, 500)]),
    ("typical", [(10_000, 1000), (10_000, 1100)]),
    ("equal arms of 10^9", [(1_000_000_000, 100_000_000), (1_000_000_000, 100_000_000)]),
    ("arms of 10^9", [(1_000_000_000, 100_000_000), (1_000_000_000, 100_100_000)]),
    ("10^9 without conversions", [(1_000_000_000, 0), (1_000_000_000, 0)]),
    ("10^9 without conversions, and one session", [(1_000_000_000, 0), (1, 1)]),
    ("arms of 10^12", [(1_000_000_000_000, 1), (1_000_000_000_000, 999_999_999_999)]),
];

fn main() {
    println!("{:<44} {:>8} {:>8}", "two arms", "median", "worst");
    println!("{:<44} {:>8} {:>8}", "", "µs", "µs");
    let mut slowest = 0.0_f64;
    for (name, counts) in COUNTS {
        let rounds = sorted_rounds(*counts);
        let (median, worst) = (rounds.get(ROUNDS / 2), rounds.last());
        let (median, worst) = (median.copied().unwrap_or_default(), worst.copied().unwrap_or_default());
        println!("{name:<44} {median:>8.1} {worst:>8.1}");
        slowest = slowest.max(median);
    }
    println!("slowest median: {slowest:.1} µs");
}

fn sorted_rounds(counts: [(u64, u64); 2]) -> Vec<f64> {
    let named = |(key, (sessions, conversions)): (&str, (u64, u64))| Arm {
        key: key.to_owned(),
        sessions,
        conversions,
        is_compared: true,
    };
    let arms: Vec<Arm> = ["A", "B"].into_iter().zip(counts).map(named).collect();
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(&arms)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds
}

/// Microseconds of one judgement, on the average of a round.
#[expect(clippy::disallowed_methods, reason = "a benchmark runs natively, and measures time")]
fn round(arms: &[Arm]) -> f64 {
    let sessions: Vec<f64> = arms.iter().map(|arm| count(arm.sessions)).collect();
    let start = Instant::now();
    for _ in 0..JUDGEMENTS {
        let mut sample_ratio = SampleRatio::new(&[0.5, 0.5]);
        sample_ratio.look(black_box(&sessions));
        let _ = black_box(judge(black_box(arms), 0, Some(&sample_ratio)));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(JUDGEMENTS)
}
