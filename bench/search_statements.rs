//! The statements of a search, for `bench/search.mjs`: `search_statements QUERY [LAST SEEN]` writes those that are tried
//! for a query string, as JSON; `LAST` is the last template of the page before, `SEEN` how many there were up to it.

use promptmeter::http::identity::Identity;
use promptmeter::http::query::Query;
use promptmeter::search::page::statement;
use promptmeter::search::request::{Breadth, Place, Search};
use promptmeter::sql::statement::Value;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(Ok(mut search)) = arguments.first().map(|query| Search::parse(&Query::parse(query))) else {
        std::process::exit(2);
    };
    if let [_, last, seen] = arguments.as_slice()
        && let (Ok(last), Ok(seen)) = (last.parse(), seen.parse())
    {
        search.after = Some(Place { breadth: Breadth::All, last, seen });
    }
    let statements = search.attempts().into_iter().map(|attempt| {
        let statement = statement(&search, &attempt, &Identity::Anonymous);
        json!({"sql": statement.text(), "parameters": statement.parameters().into_iter().map(json).collect::<Vec<_>>()})
    });
    println!("{}", json!(statements.collect::<Vec<_>>()));
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => json!(null),
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}
