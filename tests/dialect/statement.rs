//! Statements with more values than D1 binds parameters.

use promptmeter::sql::statement::Statement;

use crate::database;

/// Whether so many different texts are what they were, for the database; it takes one of them for another one, if one is told.
fn are_as_bound(count: usize, changed: Option<usize>) -> bool {
    let mut statement = Statement::new("select 1 as c0 where ");
    let numbers: Vec<usize> = (0..count).collect();
    statement.push_balanced(&numbers, " and ", &mut |statement, number| {
        let expected = if changed == Some(*number) { "another".to_owned() } else { format!("value {number}") };
        statement.bind_text(format!("value {number}")).push(&format!(" = '{expected}'"));
    });
    assert_eq!(statement.parameters().len(), count.min(100));
    let rows = database::run(&database::open(), &statement);
    !rows.unwrap_or_else(|error| panic!("{count} values: {error}")).is_empty()
}

#[test]
fn values_beyond_the_parameters_of_d1_are_told_as_they_are() {
    for count in [1, 2, 98, 99, 100, 101, 102, 150] {
        assert!(are_as_bound(count, None), "{count} values");
        for changed in [0, 98, 99, 100, 101, count - 1].into_iter().filter(|changed| *changed < count) {
            assert!(!are_as_bound(count, Some(changed)), "{count} values, of which {changed} is compared with another");
        }
    }
}

#[test]
fn a_value_is_bound_once() {
    let mut statement = Statement::new("select ");
    for text in ["a", "b", "a"] {
        statement.bind_text(text).push(", ");
    }
    assert_eq!((statement.text(), statement.parameters().len()), ("select ?1, ?2, ?1, ", 2));
}
