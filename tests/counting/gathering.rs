//! Who does together what several bring.

use promptmeter::counting::gathering::{BEGINNING_MS, Gathering};

const NOW_MS: i64 = 1_800_000_000_000;

#[test]
fn one_does_what_all_brought() {
    let mut gathering = Gathering::default();
    let brings = [1, 2, 3].map(|one| gathering.bring(one, NOW_MS));
    assert_eq!(brings, [true, false, false], "who comes first does it");
    assert_eq!(gathering.take(), [1, 2, 3]);
    assert_eq!(gathering.take(), [0; 0], "once");
    assert!(gathering.bring(4, NOW_MS), "what comes while that is done is somebody else's");
    assert!(!gathering.bring(5, NOW_MS));
    assert_eq!(gathering.take(), [4, 5]);
}

#[test]
fn where_whoever_was_to_do_it_is_gone_another_does() {
    let mut gathering = Gathering::default();
    let brings = [0, 1, BEGINNING_MS, BEGINNING_MS + 1, BEGINNING_MS + 2, 2 * BEGINNING_MS + 1, 2 * BEGINNING_MS + 2];
    let carriers: Vec<i64> = brings.into_iter().filter(|at_ms| gathering.bring(*at_ms, NOW_MS + at_ms)).collect();
    assert_eq!(carriers, [0, BEGINNING_MS + 1, 2 * BEGINNING_MS + 2]);
    assert_eq!(gathering.take(), brings, "nothing is lost of it");
}
