//! Columns that some callers may not set.

use super::*;

#[test]
fn rows_that_set_nothing_are_merged_as_well() {
    let (database, _) = library(1);
    let service = Identity::Service(None);
    for table in written_tables() {
        for defaults in [true, false] {
            let mut new_id = || Uuid::from_u128(0x0600_0000);
            let mut origin = Origin { now: NOW, caller: None, new_id: &mut new_id };
            let payload = Payload::read_new(table, b"{}", None, defaults, &mut origin).unwrap();
            let demand = Demand { identity: &service, is_one: false, told: None };
            let write = insert_sql::insert(table, &payload, Some((Resolution::Merge, table.key)), demand);
            _ = checked(&database, &write, table.name);
        }
    }
}

/// Who may set a column in new rows, and in those that are there.
fn check_column(table: &'static Table, column: &'static Column, identity: &Identity, may: bool) {
    let column_alone = |defaults| Payload { columns: vec![column], defaults, rows: vec![], is_single: true };
    let defaults = table.columns.iter().filter(|other| other.default != Default::Null && other.name != column.name);
    for payload in [column_alone(vec![]), column_alone(defaults.collect())] {
        let refused = write_sql::refuse_columns(table, &payload, identity).err();
        let code = refused.map(|error| error.code);
        assert_eq!(code, (!may).then_some(ErrorCode::Forbidden), "{}.{} {identity:?}", table.name, column.name);
    }
}

#[test]
fn what_is_declared_is_set_by_nobody_and_what_is_the_services_by_nobody_else() {
    for policy in POLICIES {
        for column in policy.table.columns {
            for identity in callers() {
                let is_service = matches!(identity, Identity::Service(_));
                let is_the_services = policy.service_columns.contains(&column.name);
                let may = !policy.declared_columns.contains(&column.name) && (is_service || !is_the_services);
                check_column(policy.table, column, &identity, may);
            }
        }
    }
    let experiments: Vec<&str> = written_columns(table_of("experiments")).iter().map(|column| column.name).collect();
    assert_eq!(experiments, ["id", "project_id", "name", "multi_variant", "conversion_window_hours"]);
}

#[test]
fn what_happens_may_not_be_told_to_happen_later_or_longer_ago_than_is_kept() {
    let tables: Vec<&str> =
        POLICIES.iter().filter(|policy| policy.happened.is_some()).map(|policy| policy.table.name).collect();
    assert_eq!(tables, ["template_likes", "prompt_usage", "prompt_events"]);
    let now_ms = timestamp_to_ms(NOW).unwrap();
    let kept_ms = timestamp_to_ms("2026-11-10T12:00:00Z").unwrap();
    let is_refused = |table: &str, body: &str, identity: &Identity| {
        let mut origin = Origin { now: NOW, caller: None, new_id: &mut Uuid::nil };
        let payload = Payload::read_new(table_of(table), body.as_bytes(), None, false, &mut origin).unwrap();
        let refused = write_sql::refuse_untimely(table_of(table), &payload, identity, (kept_ms, now_ms));
        refused.err().map(|error| assert_eq!(error.code, ErrorCode::Check)).is_some()
    };
    for identity in callers() {
        let is_service = matches!(identity, Identity::Service(_));
        for table in tables.iter().copied() {
            for (at, is_ahead) in [
                ("\"2026-11-20T12:05:00Z\"", false),
                ("\"2026-11-20T14:05:00+02:00\"", false),
                ("null", false),
                ("\"2026-11-20T12:05:00.001Z\"", true),
                ("\"2026-11-20T12:00:00-01:00\"", true),
                ("\"9999-12-31\"", true),
            ] {
                let body = format!("[{{\"created_at\":\"2026-11-19\"}},{{\"created_at\":{at}}}]");
                assert_eq!(is_refused(table, &body, &identity), is_ahead && !is_service, "{table} {at} {identity:?}");
            }
            assert!(!is_refused(table, "{}", &identity));
            for (at, is_removed) in
                [("2026-11-10T12:00:00Z", false), ("2026-11-10T11:59:59.999Z", true), ("0001-01-01", true)]
            {
                let is_too_old = table == "prompt_events" && is_removed;
                let body = format!("{{\"created_at\":\"{at}\"}}");
                assert_eq!(is_refused(table, &body, &identity), is_too_old, "{table} {at} {identity:?}");
            }
        }
        assert!(!is_refused("prompts", r#"{"created_at":"9999-12-31"}"#, &identity));
    }
}
