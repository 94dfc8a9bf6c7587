//! What the worker answers, as an `OpenAPI` 3.1 document: from the route table, and a description of each route beside it.
//!
//! It is written natively and served as a static file, `public/openapi.json`, so it costs the worker nothing. Bounds are
//! those of [`crate::limits`], errors those of the tables of problems, tables and functions those of the data dialect.

#![expect(clippy::indexing_slicing, reason = "it writes a file, natively, and no request reaches it")]
#![expect(clippy::needless_pass_by_value, reason = "schemas are made where they are handed over")]

mod ancestry;
mod events;
mod experiments;
mod figures;
mod functions;
mod operation;
mod prompts;
mod rows;
mod schema;
mod series;
mod service;
mod sharing;

use serde_json::{Map, Value, json};

use crate::data::tables::TABLES;
use crate::http::route::{Endpoint, ROUTES, Route};
use crate::rest::function::SIGNATURES;
use operation::Operation;
use schema::{described, nullable, properties, text, told, told_with, whole};

/// A prompt in examples.
const EXAMPLE_ID: &str = "00000000-0000-4000-8000-000000000001";

const DESCRIPTION: &str = "Counts what happens to the prompts of a library, keeps the library itself, and runs its \
    experiments. Each GET also answers HEAD, and each path OPTIONS. A request whose headers have more than 16 KiB is \
    refused with 413. Without a credential the caller is anonymous. A whole number is written without a point and without an \
    exponent: 1, not 1.0.";

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = paths();
    let mut components = sharing::share(&mut paths);
    components.insert("schemas".to_owned(), Value::from(schemas()));
    components.insert("securitySchemes".to_owned(), security_schemes());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "promptmeter",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "events", "description": "What happens, and how it is counted."},
            {"name": "prompts", "description": "Prompts that callers make."},
            {"name": "figures", "description": "What is told of prompts."},
            {"name": "experiments", "description": "From the assignment to the verdict."},
            {"name": "service", "description": "For whoever runs the instance."},
            {"name": "rows", "description": "The data dialect: the subset of PostgREST that Supabase applications use."},
            {"name": "functions", "description": "The functions of the data dialect."},
        ],
        "paths": paths,
        "components": components,
    })
}

fn paths() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        for (path, operation) in operations(route) {
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            methods[route.method.to_ascii_lowercase()] = operation.into_value();
        }
    }
    Value::from(paths)
}

/// The operations of a route, by their paths: in the data dialect one for each table or function.
fn operations(route: &Route) -> Vec<(String, Operation)> {
    let path_of = |name: &str| route.path.replace("{id}", name);
    match route.endpoint {
        Endpoint::Rows => {
            TABLES.iter().map(|table| (path_of(table.name), rows::operation(table, route.method))).collect()
        }
        Endpoint::Function => SIGNATURES
            .iter()
            .map(|(name, arguments)| (path_of(name), functions::operation(name, arguments, route.method)))
            .collect(),
        endpoint => native(endpoint).map(|operation| (route.path.to_owned(), operation)).into_iter().collect(),
    }
}

/// The description of a route that is not of the data dialect: the compiler finds one that has none.
fn native(endpoint: Endpoint) -> Option<Operation> {
    Some(match endpoint {
        Endpoint::Health => service::health(),
        Endpoint::Events | Endpoint::Usage => events::submit(endpoint),
        Endpoint::View | Endpoint::Copy | Endpoint::Compare => events::shorthand_of(endpoint),
        Endpoint::CreatePrompt => prompts::create(),
        Endpoint::Fork => prompts::fork(),
        Endpoint::Stats => figures::stats_of_one(),
        Endpoint::Badge => figures::badge(),
        Endpoint::Live => figures::live(),
        Endpoint::StatsOfMany => figures::stats_of_many(),
        Endpoint::Top => figures::top(),
        Endpoint::Scenes => figures::uses_by_scene(),
        Endpoint::Series => series::series(),
        Endpoint::Funnel => series::funnel(),
        Endpoint::Lineage => ancestry::lineage(),
        Endpoint::Compared => ancestry::compared(),
        Endpoint::Search => figures::search(),
        Endpoint::Declare => experiments::declare(),
        Endpoint::Assignment => experiments::assignment(),
        Endpoint::Summary => experiments::summary(),
        Endpoint::Results => experiments::results(),
        Endpoint::Evaluate => experiments::evaluate(),
        Endpoint::Import => service::import(),
        Endpoint::Export => service::export(),
        Endpoint::Verify => service::verify(),
        Endpoint::Retract => service::retract(),
        Endpoint::Runs => service::runs(),
        Endpoint::Totals => service::totals(),
        Endpoint::Metrics => service::metrics(),
        Endpoint::Rows | Endpoint::Function => return None,
    })
}

fn schemas() -> Map<String, Value> {
    let mut schemas = properties([("Problem", problem()), ("DataError", data_error())]);
    for more in [
        events::schemas(),
        prompts::schemas(),
        figures::schemas(),
        series::schemas(),
        ancestry::schemas(),
        experiments::schemas(),
        service::schemas(),
    ] {
        schemas.extend(more);
    }
    schemas.extend(TABLES.iter().flat_map(|table| rows::schemas(table)));
    schemas
}

fn problem() -> Value {
    let fields = [
        ("type", json!({"type": "string", "pattern": "^urn:promptmeter:problem:[a-z0-9_]+$"})),
        ("title", text()),
        ("status", whole(400, 599)),
        ("detail", described(text(), "What is wrong, and what to do about it.")),
        ("code", described(text(), "The stable name of what is wrong.")),
    ];
    let pointer = described(text(), "The bad field, as a JSON pointer (RFC 6901).");
    described(told_with(fields, [("pointer", pointer)]), "What is wrong with a request (RFC 9457).")
}

fn data_error() -> Value {
    let fields = [("code", text()), ("message", text()), ("details", nullable(text())), ("hint", nullable(text()))];
    described(told(fields), "What is wrong with a request, as PostgREST and PostgreSQL name it.")
}

fn security_schemes() -> Value {
    let apikey = "PUBLISHABLE_KEY (anonymous), SERVICE_KEY (everything) or a token.";
    let bearer =
        "A token of a user (HS256, ES256 or RS256), or one of the keys. It decides who asks, where both are sent.";
    json!({
        "apikey": {"type": "apiKey", "in": "header", "name": "apikey", "description": apikey},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": bearer},
    })
}
