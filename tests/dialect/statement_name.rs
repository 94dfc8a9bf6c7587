//! Under which name a statement is metered.

use promptmeter::sql::statement_name::statement_name;

fn check(sql: &str, expected: &str) {
    assert_eq!(statement_name(sql), expected, "{sql}");
}

#[test]
fn a_statement_is_called_by_what_it_does_and_its_first_table() {
    check("select 1", "select nothing");
    check("select id from prompts where id = ?1", "select prompts");
    check("select a from (select b from \"prompt_usage\" where c)", "select prompt_usage");
    check("select e.id from json_each(?1) join prompt_events e from prompt_events", "select prompt_events");
    check("insert into prompt_events (id) select value from json_each(?1)", "insert prompt_events");
    check("insert or ignore into visitor_salts (day, salt) values (1, 2)", "insert visitor_salts");
    check("update prompts set title = (select 1 from users)", "update prompts");
    check("delete from prompt_creations where created_ms < ?1", "delete prompt_creations");
    check("with recursive above (place) as (select l.place from prompt_lineage l)", "with prompt_lineage");
    check("", " nothing");
    check("ä from ü", " nothing");
}
