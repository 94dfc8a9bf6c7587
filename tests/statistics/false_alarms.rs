//! How often the verdict names a difference where there is none, over experiments that are looked at every hour.

use promptmeter::statistics::count;
use promptmeter::statistics::difference::Difference;
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::statistics::student::StudentT;
use promptmeter::verdict::arm::Arm;
use promptmeter::verdict::judgement::{judge, verdict};
use promptmeter::verdict::sentence::Verdict;

const RUNS: u32 = 2000;
const HOURS: u32 = 14 * 24;

/// A generator of random numbers (`SplitMix64`).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, and at most 1.
    fn share(&mut self) -> f64 {
        (count(self.bits() >> 11) + 1.0) / 2.0_f64.powi(53)
    }

    /// Between `low` and `high`, each order of magnitude alike.
    fn logarithmic(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.share())
    }

    /// A whole number from 0 to `most`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is below a few thousand")]
    fn below(&mut self, most: f64) -> u64 {
        (most * self.share()).round() as u64
    }

    /// How many of `sessions` come to the first of two arms.
    fn half_of(&mut self, sessions: u64) -> u64 {
        let whole: u32 = (0..sessions / 64).map(|_| self.bits().count_ones()).sum();
        u64::from(whole + (self.bits() & ((1 << (sessions % 64)) - 1)).count_ones())
    }

    /// How many of `sessions` convert, by the distances between those that do.
    fn conversions(&mut self, sessions: u64, rate: f64) -> u64 {
        let (mut at, mut conversions) = (0.0, 0);
        loop {
            at += (self.share().ln() / (-rate).ln_1p()).floor() + 1.0;
            if at > count(sessions) {
                return conversions;
            }
            conversions += 1;
        }
    }
}

/// What the looks at one experiment said.
#[derive(Default)]
struct Alarms {
    better: bool,
    sample_ratio: bool,
    /// Whether a fixed-horizon test would have said so, looked at once a day.
    fixed_daily: bool,
}

/// An experiment of two weeks in which both arms have the same rate.
fn run(random: &mut Random) -> Alarms {
    let (rate, traffic) = (random.logarithmic(0.003, 0.6), random.logarithmic(3.0, 600.0));
    let mut arms = ["A", "B"].map(|key| Arm { key: key.to_owned(), sessions: 0, conversions: 0, is_compared: true });
    let (mut sample_ratio, mut alarms) = (SampleRatio::new(&[0.5, 0.5]), Alarms::default());
    for hour in 0..HOURS {
        let day_and_night = 1.0 + 0.8 * (f64::from(hour) * std::f64::consts::TAU / 24.0).sin();
        let sessions = random.below(traffic * day_and_night * 2.0);
        let first = random.half_of(sessions);
        for (arm, new) in arms.iter_mut().zip([first, sessions - first]) {
            arm.sessions += new;
            arm.conversions += random.conversions(new, rate);
        }
        sample_ratio.look(&[count(first), count(sessions - first)]);
        let said = verdict(&arms, 0, Some(&sample_ratio));
        alarms.better |= matches!(said, Verdict::Better(_));
        alarms.sample_ratio |= said == Verdict::SampleRatio;
        if hour % 24 == 23 {
            alarms.fixed_daily |= said != Verdict::NotEnoughData && fixed_p_value(&arms) < 0.05;
        }
    }
    assert_eq!(judge(&arms, 0, Some(&sample_ratio)).verdict, verdict(&arms, 0, Some(&sample_ratio)));
    alarms
}

fn fixed_p_value([a, b]: &[Arm; 2]) -> f64 {
    let difference = Difference::absolute(&a.measured().sample, &b.measured().sample);
    let spread = difference.spread.unwrap();
    let t = difference.estimate.unwrap() / spread.standard_error;
    StudentT::new(spread.degrees_of_freedom).two_sided_p_value(t)
}

#[test]
fn the_verdict_raises_few_false_alarms() {
    let mut random = Random(20_261_120);
    let alarms: Vec<Alarms> = (0..RUNS).map(|_| run(&mut random)).collect();
    let one = |is: bool| if is { f64::from(RUNS).recip() } else { 0.0 };
    let share = |is: fn(&Alarms) -> bool| alarms.iter().map(|alarms| one(is(alarms))).sum::<f64>();
    let any = share(|alarms| alarms.better || alarms.sample_ratio);
    let (better, sample_ratio) = (share(|alarms| alarms.better), share(|alarms| alarms.sample_ratio));
    let fixed_daily = share(|alarms| alarms.fixed_daily);
    println!(
        "false alarms of {RUNS} A/A experiments with {HOURS} looks: verdict {:.2} % (better {:.2} %, sample ratio {:.2} %); \
        fixed-horizon p-value below 0.05 at one of 14 daily looks {:.2} %",
        100.0 * any,
        100.0 * better,
        100.0 * sample_ratio,
        100.0 * fixed_daily,
    );
    assert!(any <= 0.05, "{any}");
    assert!(fixed_daily > 0.15, "looking often at a fixed-horizon test would be wrong far more often: {fixed_daily}");
}
