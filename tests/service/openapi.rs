//! The `OpenAPI` document: every route, every table and every function, and the file that is served.

use std::collections::BTreeSet;

use promptmeter::data::tables::TABLES;
use promptmeter::http::problem::Code;
use promptmeter::http::route::{Endpoint, ROUTES, find};
use promptmeter::openapi::document;
use promptmeter::rest::function::SIGNATURES;
use serde_json::Value;

/// The methods and paths that the document describes.
fn described() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let methods =
        |path: &Value| path.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect::<Vec<_>>();
    paths.iter().flat_map(|(path, of)| methods(of).into_iter().map(|method| (method, path.clone()))).collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let mut routed = BTreeSet::new();
    for route in ROUTES {
        let mut add = |path: String| assert!(routed.insert((route.method.to_owned(), path)), "{route:?}");
        match route.endpoint {
            Endpoint::Rows => TABLES.iter().for_each(|table| add(route.path.replace("{id}", table.name))),
            Endpoint::Function => SIGNATURES.iter().for_each(|(name, _)| add(route.path.replace("{id}", name))),
            _ => add(route.path.to_owned()),
        }
    }
    assert_eq!(described(), routed);
}

#[test]
fn what_is_described_is_routed() {
    for (method, path) in described() {
        assert!(find(&path).unwrap().with_method(&method).is_ok(), "{method} {path}");
    }
}

#[test]
fn the_served_file_is_current() {
    let served: Value = serde_json::from_str(include_str!("../../public/openapi.json")).unwrap();
    assert!(served == document(), "public/openapi.json is of another state: make openapi writes it anew");
}

/// Every value in the document, with the path to it.
fn each(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, value);
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| each(member, &format!("{path}/{name}"), visit));
        }
        Value::Array(elements) => elements.iter().for_each(|element| each(element, path, visit)),
        _ => {}
    }
}

#[test]
fn every_reference_and_every_link_leads_somewhere() {
    let document = document();
    let (mut names, mut linked, mut references) = (Vec::new(), Vec::new(), 0);
    each(&document, "", &mut |path, value| match value.as_str() {
        Some(reference) if path.ends_with("/$ref") => {
            references += 1;
            assert!(document.pointer(&reference[1..]).is_some(), "{path}: {reference}");
        }
        Some(name) if path.ends_with("/operationId") && path.contains("/links/") => linked.push(name.to_owned()),
        Some(name) if path.ends_with("/operationId") => names.push(name.to_owned()),
        _ => {}
    });
    assert!(references > 100 && !linked.is_empty());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "two operations have one name");
    for name in linked {
        assert!(names.contains(&name), "no operation is called {name}");
    }
}

#[test]
fn components_are_used() {
    let document = document();
    let mut references = BTreeSet::new();
    each(&document, "", &mut |path, value| {
        if path.ends_with("/$ref") {
            references.insert(value.as_str().unwrap().to_owned());
        }
    });
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            assert!(references.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name}");
        }
    }
}

/// The codes of problems that an operation tells with a status.
fn codes(path: &str, method: &str, status: &str) -> Vec<String> {
    let document = document();
    let mut response = &document["paths"][path][method]["responses"][status];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).unwrap();
    }
    let codes = &response["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"];
    codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[test]
fn refusals_have_the_names_and_the_statuses_of_the_table_of_problems() {
    for (path, method, code) in [
        ("/v1/events", "post", Code::TooManyEvents),
        ("/v1/events", "post", Code::RateLimited),
        ("/v1/prompts", "post", Code::IdempotencyKeyReused),
        ("/v1/prompts/{id}/stats", "get", Code::UnknownPrompt),
        ("/v1/prompts/{id}/fork", "post", Code::UserRequired),
        ("/v1/experiments/{id}", "put", Code::ExperimentRunning),
        ("/v1/import", "post", Code::ServiceRequired),
        ("/v1/admin/metrics", "get", Code::CredentialRequired),
        ("/healthz", "get", Code::StorageUnavailable),
    ] {
        let told = codes(path, method, &code.status().to_string());
        assert!(told.contains(&code.name().to_owned()), "{method} {path}: {told:?}");
    }
}
