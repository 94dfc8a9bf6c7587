//! Pages of what a caller may see, against all of it sorted by the definition of the order.

use std::cmp::Ordering;

use super::*;
use crate::database::library::PROMPTS;

/// An order of prompts: a column, whether it descends, whether nulls come first.
type Order = (&'static str, bool, bool);

fn some_order(random: &mut Random) -> Vec<Order> {
    let columns = ["created_at", "category", "title", "is_public", "user_id", "goal"];
    let some = |random: &mut Random| (random.pick(&columns), random.below(2) == 0, random.below(2) == 0);
    (0..=random.below(2)).map(|_| some(random)).collect()
}

fn parameter(order: &[Order]) -> String {
    let part = |(column, descends, nulls_first): &Order| {
        let direction = if *descends { "desc" } else { "asc" };
        format!("{column}.{direction}.nulls{}", if *nulls_first { "first" } else { "last" })
    };
    order.iter().map(part).collect::<Vec<_>>().join(",")
}

fn compared(table: &Table, order: &[Order], one: &Cells, other: &Cells) -> Ordering {
    order
        .iter()
        .map(|order| compared_by(table, order, one, other))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compared_by(table: &Table, &(column, descends, nulls_first): &Order, one: &Cells, other: &Cells) -> Ordering {
    let directed = |found: Ordering| if descends { found.reverse() } else { found };
    match (cell(table, one, column), cell(table, other, column)) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => {
            if nulls_first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (_, Cell::Null) => {
            if nulls_first {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (Cell::Text(one), Cell::Text(other)) => directed(one.cmp(other)),
        (Cell::Number(one), Cell::Number(other)) => directed(one.total_cmp(other)),
        (one, other) => panic!("{column} holds {one:?} and {other:?}"),
    }
}

/// Every page, one after the other, has what the order puts there, and together they have each row once.
fn check_pages(seed: u64) {
    let (database, mut random) = library(seed);
    let table = table_of("prompts");
    for identity in callers() {
        let order = some_order(&mut random);
        let size = 1 + random.below(4);
        let condition = (random.below(2) == 0).then(|| some_condition(&mut random, table));
        let is_met = |row: &Cells| condition.as_ref().is_none_or(|met| (met.is_met)(cell(table, row, met.column)));
        let mut expected: Vec<Cells> = visible(&database, &identity, table).into_iter().filter(is_met).collect();
        expected.sort_by(|one, other| compared(table, &order, one, other));
        let mut found = Vec::new();
        for offset in (0..=PROMPTS as usize).step_by(size) {
            let (limit, offset, order) = (size.to_string(), offset.to_string(), parameter(&order));
            let mut pairs = vec![("limit", limit.as_str()), ("offset", &offset), ("order", &order)];
            pairs.extend(condition.as_ref().map(|met| (met.column, met.parameter.as_str())));
            let answer = database::answer_json(&database, &identity, &request("prompts", &pairs));
            found.extend(answer.as_array().unwrap().clone());
        }
        let what = format!("{identity:?} {} by {size}, seed {seed}", parameter(&order));
        let told: Vec<_> = expected.iter().map(|row| told_row(table, row)).collect();
        for (column, ..) in order {
            let places = |rows: &[serde_json::Value]| rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
            assert_eq!(places(&found), places(&told), "{column}: {what}");
        }
        assert_eq!(sorted(found), sorted(told), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_parts_of_all_that_a_caller_may_see(seed in any::<u64>()) {
        check_pages(seed);
    }
}
