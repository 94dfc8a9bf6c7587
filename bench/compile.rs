//! What it costs to get from a request to SQL: `cargo bench --bench compile` prints microseconds for each listed request.

#[path = "../tests/dialect/listed.rs"]
mod listed;

use std::hint::black_box;
use std::time::Instant;

use listed::{Listed, REQUESTS};

/// Rounds, of which the median is printed.
const ROUNDS: usize = 201;
/// Compilations in a round.
const COMPILATIONS: u32 = 200;

fn main() {
    println!("{:<44} {:>8} {:>8} {:>6}", "request", "median", "worst", "bytes");
    println!("{:<44} {:>8} {:>8} {:>6}", "", "µs", "µs", "SQL");
    let mut slowest = 0.0_f64;
    for request in REQUESTS {
        let rounds = sorted_rounds(request);
        let (median, worst) = (rounds.get(ROUNDS / 2), rounds.last());
        let (median, worst) = (median.copied().unwrap_or_default(), worst.copied().unwrap_or_default());
        println!("{:<44} {median:>8.2} {worst:>8.2} {:>6}", request.name, bytes(request));
        slowest = slowest.max(median);
    }
    println!("slowest median: {slowest:.2} µs");
}

fn sorted_rounds(request: &Listed) -> Vec<f64> {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(request)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds
}

/// Microseconds of one compilation, on the average of a round.
#[expect(clippy::disallowed_methods, reason = "a benchmark runs natively, and measures time")]
fn round(request: &Listed) -> f64 {
    let identity = listed::caller();
    let start = Instant::now();
    for _ in 0..COMPILATIONS {
        let _ = black_box(black_box(request).compile(black_box(&identity)));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(COMPILATIONS)
}

/// Bytes of the statements that it becomes.
fn bytes(request: &Listed) -> usize {
    let statements = request.compile(&listed::caller()).unwrap_or_default();
    statements.iter().map(|statement| statement.text().len()).sum()
}
