//! Text of a request is no text of SQL.

use super::*;

/// Text that stands in no SQL of this program.
const MARKER: &str = "zq7marker";

/// A value of a column with the marker in it, or one that is taken apart before it could be anywhere.
fn marked(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &[
            "eq.zq7marker",
            "neq.zq7marker",
            "gt.zq7marker",
            "like.zq7marker",
            "like.%zq7marker%",
            "like.zq7marker%",
            "ilike.%zq7marker_%",
            "ilike.%zq7marker%é%",
            "like.zq7marker________________________________________________________%x",
            "in.(zq7marker,\"b zq7marker\")",
            "not.eq.zq7marker",
            "eq.'zq7marker",
            "eq.\"zq7marker;--",
        ],
        _ => &["is.null"],
    }
}

fn check_unmarked(request: &Request, body: &str) {
    for statement in statements(request, body.as_bytes()) {
        assert!(!statement.text().contains(MARKER), "{}", statement.text());
    }
}

#[test]
fn no_text_of_a_request_is_a_text_of_sql() {
    for table in TABLES {
        let names = format!("*,{MARKER}:{},\"{MARKER} '\\\";--\":{}", table.columns[0].name, table.columns[0].name);
        let mut bound = BTreeSet::new();
        for column in table.columns {
            for value in marked(column.kind) {
                let group = format!("({}.{value},and({}.{value}))", column.name, column.name);
                let pairs = [("select", names.as_str()), (column.name, value), ("or", &group)];
                let request =
                    database::request(table.name, &pairs).unwrap_or_else(|error| panic!("{pairs:?} {error:?}"));
                let body = marked_body(table);
                check_unmarked(&request, &body);
                let read = read_sql::read(&request.query, &Identity::Anonymous, true).unwrap();
                bound.insert(format!("{:?}", read.rows.parameters()).contains(MARKER));
            }
        }
        let has_text = table.columns.iter().any(|column| column.kind == Kind::Text);
        assert_eq!(bound.contains(&true), has_text, "{}: the marker is bound", table.name);
    }
}

/// A row with the marker wherever it may stand.
fn marked_body(table: &Table) -> String {
    let fields = table.columns.iter().filter_map(|column| {
        let value = match column.kind {
            Kind::Text => serde_json::json!(format!("{MARKER}'\"")),
            Kind::Json => serde_json::json!({ MARKER: [MARKER] }),
            Kind::TextArray => serde_json::json!([MARKER]),
            _ => return None,
        };
        Some((column.name.to_owned(), value))
    });
    serde_json::Value::Object(fields.collect()).to_string()
}

#[test]
fn no_name_of_an_embedding_and_no_search_is_a_text_of_sql() {
    let pairs = [
        ("select", "id,zq7marker:prompt_answers!inner(zq7marker:id),\"zq7marker'\":users(id)"),
        ("zq7marker.answer", "ilike.%zq7marker%"),
        ("or", "(zq7marker.question.eq.zq7marker,title.wfts.zq7marker -zq7marker,goal.phfts.zq7marker)"),
    ];
    let request = database::request("prompts", &pairs).unwrap();
    check_unmarked(&request, "{\"title\":\"zq7marker\"}");
}

#[test]
fn no_argument_of_a_function_is_a_text_of_sql() {
    for identity in &identities() {
        let caller = Caller { identity, now: NOW };
        let (popular, _) = function_sql::popular_templates(10, Some(MARKER), identity);
        let id = Uuid::from_u128(0x00c0_ffee);
        let fork = ForkCall { prompt_id: id, user: Some(id), key: MARKER.to_owned(), event_id: id };
        let [claim, make] = function_sql::count_fork(&fork, caller);
        let like = function_sql::like(id, id, caller);
        for statement in [popular, claim, make, like, function_sql::count_use(id, identity)] {
            assert!(!statement.text().contains(MARKER) && !statement.text().contains("c0ffee"), "{}", statement.text());
            check_prepares(&statement);
        }
    }
}
