//! The names of what is counted.

use promptmeter::counting::tally::Metric;

#[test]
fn a_metric_is_found_by_its_name() {
    let names = ["view", "copy", "fork", "compare", "visit", "bot", "headless", "prefetch"];
    assert_eq!(Metric::ALL.map(Metric::name), names);
    assert_eq!(names.map(Metric::of_name), Metric::ALL.map(Some));
    assert_eq!(["", "View", "compare_add"].map(Metric::of_name), [None; 3]);
}

#[test]
fn events_are_called_as_their_metrics_but_for_a_comparison() {
    let names = ["view", "copy", "fork", "compare_add"];
    assert_eq!([Metric::View, Metric::Copy, Metric::Fork, Metric::Compare].map(Metric::event_name), names);
}
