//! What is done with a part of a counter that comes in, by what came in before it.

use promptmeter::counting::carried::{Standing, Step, Taken};

#[test]
fn parts_are_stored_until_the_counter_counts() {
    use Step::{Begin, Leave, Store};
    for (has_counted, carried, expected) in [
        (false, None, Begin),
        (false, Some((7, false)), Store),
        (false, Some((6, false)), Begin),
        (false, Some((8, false)), Begin),
        (false, Some((7, true)), Begin),
        (true, None, Leave(Taken::Refused)),
        (true, Some((7, true)), Leave(Taken::Repeated)),
        (true, Some((7, false)), Leave(Taken::Refused)),
        (true, Some((8, true)), Leave(Taken::Refused)),
    ] {
        let standing = Standing { has_counted, carried };
        assert_eq!(standing.step(7), expected, "{standing:?}");
    }
}
