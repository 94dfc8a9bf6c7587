//! A session's activity as it is stored: every byte of it, whatever it was made of, and what is none.

use promptmeter::events::event::{ExperimentEventKind, Measurement};
use promptmeter::experiments::session::{Activity, Occurrence, Session};
use promptmeter::experiments::session_state::{pack, unpack};
use promptmeter::limits::{METRIC_CHARS, SESSION_MEASUREMENTS, SESSION_METRICS};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
/// The hour of 2027-01-01T00:00:00Z: 0x1e · 2^14 + 0x3f · 2^7 + 0x48.
const HOUR: i64 = 499_656;
const HOUR_PACKED: [u8; 3] = [0xc8, 0xbf, 0x1e];

fn activity(pageviews: u32, exposures: u32, conversions: u32, converted_ms: Option<(i64, i64)>) -> Activity {
    Activity { pageviews, exposures, conversions, converted_ms }
}

fn measurement(metric: &str, value: Option<f64>) -> Measurement {
    Measurement { metric: metric.into(), value }
}

/// What the first bytes of a stored session are, fewer than it has: nothing, unless only measurements are cut off.
fn cut(session: &Session, length: usize) -> Option<Session> {
    let unmeasured = Session { measurements: Vec::new(), unmeasured: 0, ..session.clone() };
    (length == pack(&unmeasured).len()).then_some(unmeasured)
}

/// Checks that the activity is stored in these parts, one after the other, and nothing less or more is taken for it.
fn check(session: &Session, parts: &[&[u8]]) {
    let packed = parts.concat();
    assert_eq!(pack(session), packed, "{session:?}");
    let restore = |packed: &[u8]| unpack(packed, session.first_exposure.clone(), session.is_multi_variant);
    assert_eq!(restore(&packed).as_ref(), Some(session));
    for length in 0..packed.len() {
        let expected = cut(session, length);
        assert_eq!(restore(&packed[..length]), expected, "{length} bytes of {packed:?}");
    }
    for more in [0, 1, 128, 255] {
        assert_eq!(restore(&[packed.as_slice(), &[more]].concat()), None, "{more} after {packed:?}");
    }
}

#[test]
fn stored_bytes() {
    check(&Session::default(), &[&[0]]);
    let seen = Session { hours: vec![(HOUR, activity(1, 1, 0, None))], ..Session::default() };
    check(&seen, &[&[1], &HOUR_PACKED, &[1, 1, 0]]);
    // What is a column of its own is not in it.
    let first_exposure = Some((HOUR * HOUR_MS + 5, "red".to_owned()));
    let exposed = Session { first_exposure, is_multi_variant: true, ..seen };
    check(&exposed, &[&[1], &HOUR_PACKED, &[1, 1, 0]]);

    let start_ms = HOUR * HOUR_MS;
    let converted = [
        (0, activity(0, 0, 1, Some((0, 0)))),
        (HOUR, activity(127, 128, 2, Some((start_ms + 300, start_ms + 3_599_999)))),
        (HOUR + 200, activity(u32::MAX, 0, 0, None)),
    ];
    check(
        &Session { hours: converted.to_vec(), ..Session::default() },
        &[
            &[3],
            &[0, 0, 0, 1, 0, 0],
            &HOUR_PACKED,
            &[127, 128, 1, 2, 0xac, 2, 0xd3, 0xda, 0xdb, 1], // 3,599,699 ms from the first to the last
            &[0xc8, 1, 255, 255, 255, 255, 15, 0, 0],
        ],
    );

    check(&Session { unmeasured: 300, ..Session::default() }, &[&[0], &[0, 0, 0xac, 2]]);
    // A name stands once, in the order in which the metrics came.
    let measurements = vec![
        (127, measurement("clicks", None)),
        (128, measurement("é", Some(1.0))),
        (0, measurement("é", Some(-0.1))),
        (1, measurement("clicks", Some(0.0))),
        (2, measurement("é", None)),
    ];
    check(
        &Session { measurements, unmeasured: 300, ..Session::default() },
        &[
            &[0],
            &[2],
            &[6],
            b"clicks",
            &[2, 0xc3, 0xa9],
            &[5],
            &[127, 0],
            &[128, 1, 3],
            &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
            &[0, 3],
            &[0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0xbf],
            &[1, 1],
            &[0; 8],
            &[2, 2],
            &[0xac, 2],
        ],
    );
}

/// What most sessions are.
#[test]
fn a_session_of_one_exposure_and_one_pageview_takes_seven_bytes() {
    let mut session = Session::default();
    for kind in [ExperimentEventKind::Pageview, ExperimentEventKind::Exposure] {
        let variant_key = Some("control".to_owned());
        session.observe(&Occurrence { kind, at_ms: HOUR * HOUR_MS + 7, variant_key, measurement: None });
    }
    assert_eq!(pack(&session).len(), 7);
}

/// What a session is at the most, but for its hours: what the rollup reads at once is bounded by it.
#[test]
fn measurements_take_few_bytes_however_long_their_names_are() {
    let mut session = Session::default();
    for number in 0..400 {
        let metric = u32::try_from(number % (SESSION_METRICS + 4)).unwrap();
        let metric = char::from_u32(0x1_f600 + metric).unwrap().to_string();
        let measurement = Some(measurement(&metric.repeat(METRIC_CHARS), Some(-0.1)));
        let (kind, at_ms) = (ExperimentEventKind::Conversion, HOUR * HOUR_MS + 7);
        session.observe(&Occurrence { kind, at_ms, variant_key: None, measurement });
    }
    assert_eq!((SESSION_MEASUREMENTS, session.measurements.len(), session.unmeasured), (250, 250, 150));
    // The hour, the names with their lengths, for each measurement its time, its metric and its value, and three numbers.
    assert_eq!(pack(&session).len(), 7 + SESSION_METRICS * (2 + 256) + 250 * (6 + 1 + 8) + 1 + 2 + 2);
}

#[test]
fn what_is_no_activity_is_none() {
    let longest = [255, 255, 255, 255, 255, 255, 255, 255, 127];
    let too_long = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    for (parts, why) in [
        (vec![&[][..]], "nothing"),
        (vec![&longest], "more hours than bytes"),
        (vec![&too_long, &[0, 0]], "a number of more than 63 bits"),
        (vec![&[1, 0, 255, 255, 255, 255, 16, 0, 0, 0, 0]], "a count of more than 32 bits"),
        (vec![&[2], &longest, &[0, 0, 0, 1, 0, 0, 0, 0, 0]], "an hour beyond 63 bits"),
        (vec![&[1], &longest, &[0, 0, 1, 0, 0, 0, 0]], "an hour whose start is beyond 63 bits"),
        (vec![&[1, 1, 0, 0, 1], &longest, &[0, 0, 0]], "a conversion whose time is beyond 63 bits"),
        (vec![&[1, 1, 0, 0, 1, 1], &longest, &[0, 0]], "a last conversion beyond 63 bits"),
        (vec![&[0], &longest], "more metrics than bytes"),
        (vec![&[0, 0], &longest], "more measurements than bytes"),
        (vec![&[0, 1], &longest, b"m", &[0, 0]], "a name of more bytes than there are"),
        (vec![&[0, 1, 1, 0xff, 0, 0]], "a name that is no UTF-8"),
        (vec![&[0, 0, 1, 0, 0, 0]], "a metric without a name"),
        (vec![&[0, 1, 1, b'm', 1, 0, 2, 0]], "a metric beyond those that have names"),
        (vec![&[0, 1, 1, b'm', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]], "a value of seven bytes"),
        (vec![&[0, 0, 0, 255, 255, 255, 255, 16]], "more left out than 32 bits"),
    ] {
        assert_eq!(unpack(&parts.concat(), None, false), None, "{why}");
    }
}

fn any_activity(hour: i64) -> impl Strategy<Value = Activity> {
    let count = || prop_oneof![3 => 0..3_u32, 1 => 120..140_u32, 1 => any::<u32>()];
    let offsets_ms = (0..HOUR_MS, 0..HOUR_MS);
    (count(), count(), count(), offsets_ms).prop_map(move |(pageviews, exposures, conversions, (one, other))| {
        let start_ms = hour * HOUR_MS;
        let converted_ms = (conversions > 0).then(|| (start_ms + one.min(other), start_ms + one.max(other)));
        activity(pageviews, exposures, conversions, converted_ms)
    })
}

fn any_session() -> impl Strategy<Value = Session> {
    let hours = prop::collection::btree_set(prop_oneof![0..200_i64, HOUR - 50..HOUR + 50, 0..2_000_000_i64], 0..6);
    let hours = hours.prop_flat_map(|hours| {
        hours.into_iter().map(|hour| any_activity(hour).prop_map(move |activity| (hour, activity))).collect::<Vec<_>>()
    });
    let number =
        prop_oneof![any::<f64>().prop_filter("not a number", |value| !value.is_nan()), (-9..9_i8).prop_map(f64::from)];
    let metric = prop_oneof![Just("revenue".to_owned()), ".{0,64}"];
    let measured =
        (metric, prop::option::of(number)).prop_map(|(metric, value)| Measurement { metric: metric.into(), value });
    let measurements = prop::collection::vec((0..4_000_000_000_000_i64, measured), 0..5);
    (hours, measurements, prop_oneof![Just(0), any::<u32>()]).prop_map(|(hours, measurements, unmeasured)| Session {
        hours,
        measurements,
        unmeasured,
        ..Session::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_stored_is_read_back(
        session in any_session(),
        first_exposure in prop::option::of((any::<i64>(), ".{0,9}")),
        is_multi_variant: bool,
    ) {
        let session = Session { first_exposure: first_exposure.clone(), is_multi_variant, ..session };
        let packed = pack(&session);
        prop_assert_eq!(unpack(&packed, first_exposure.clone(), is_multi_variant), Some(session.clone()));
        for length in 0..packed.len() {
            let expected = cut(&session, length);
            prop_assert_eq!(unpack(&packed[..length], first_exposure.clone(), is_multi_variant), expected);
        }
    }

    /// Whatever bytes are read, what they are read as is stored and read again as the same.
    #[test]
    fn no_bytes_are_too_much(
        mut bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(0..4_u8, 0..40),
            any_session().prop_map(|session| pack(&session)),
        ],
        change in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        if !bytes.is_empty() {
            let place = change.0.index(bytes.len());
            bytes[place] = change.1;
        }
        if let Some(session) = unpack(&bytes, None, false) {
            let packed = pack(&session);
            prop_assert_eq!(unpack(&packed, None, false).map(|session| pack(&session)), Some(packed));
        }
    }
}
