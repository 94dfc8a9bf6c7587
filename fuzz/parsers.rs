//! What is asked of the parsers, whatever bytes they are given: that they come to an end without a panic, keep their
//! bounds, and refuse in the words that callers are told. The fuzz targets run these functions on what libFuzzer makes up,
//! `tests/fuzz_targets.rs` on what proptest does.

use promptmeter::ancestry::request::Ask;
use promptmeter::badge::drawing::draw;
use promptmeter::badge::request::BadgeRequest;
use promptmeter::data::creation::Creation;
use promptmeter::data::import::read_line;
use promptmeter::data::lines::Lines;
use promptmeter::data::tables::TABLES;
use promptmeter::events::parse::{parse, parse_shorthand, parse_usage};
use promptmeter::experiments::declaration::{Declaration, Status};
use promptmeter::experiments::experiment::Experiment;
use promptmeter::experiments::session_state::{pack, unpack};
use promptmeter::http::body;
use promptmeter::http::identity::{Credentials, Identity, Keys, User, identify};
use promptmeter::http::key_set::KeySet;
use promptmeter::http::problem::Problem;
use promptmeter::http::query::Query;
use promptmeter::http::token::{Expected, Token};
use promptmeter::limits::{BATCH_EVENTS, IMPORT_LINE_BYTES};
use promptmeter::rankings::list::List;
use promptmeter::rest::error::DataError;
use promptmeter::rest::function::{Arguments, Function};
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::RequestHeaders;
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;
use promptmeter::search::request::Search;
use promptmeter::search::{text_query, words};
use promptmeter::series::request::{Period, SeriesRequest};
use promptmeter::sql::pattern::Pattern;
use promptmeter::time::{parse_timestamp, timestamp_to_ms};
use promptmeter::verdict::evaluation::Evaluation;
use promptmeter::{experiments, rankings, retraction, usage, verification};
use uuid::Uuid;

/// A parser of bytes.
pub(crate) type Target = fn(&[u8]);

/// Every target, by the name of its file in `fuzz/fuzz_targets`.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("events", events),
    ("import_lines", import_lines),
    ("bodies", bodies),
    ("data_dialect", data_dialect),
    ("rows", rows),
    ("tokens", tokens),
    ("text_queries", text_queries),
    ("query_strings", query_strings),
    ("stored_sessions", stored_sessions),
];

const NOW: &str = "2026-11-29T00:00:00.000000+00:00";
const NOW_MS: i64 = 1_795_910_400_000;

/// A refusal has a status of the client's fault, and can be told.
fn refused<T>(outcome: Result<T, Problem>) -> Option<T> {
    outcome
        .map_err(|problem| {
            assert!((400..500).contains(&problem.code.status()), "{problem:?}");
            assert!(problem.pointer.as_ref().is_none_or(|pointer| pointer.is_empty() || pointer.starts_with('/')));
            assert!(serde_json::to_string(&problem).is_ok());
        })
        .ok()
}

fn refused_data<T>(outcome: Result<T, DataError>) -> Option<T> {
    outcome
        .map_err(|error| {
            assert!((400..500).contains(&error.status), "{error:?}");
            assert!(serde_json::to_string(&error).is_ok());
        })
        .ok()
}

fn user() -> Identity {
    Identity::User(User { id: Uuid::from_u128(1), email: None })
}

/// `POST /v1/events`, `POST /v1/usage` and the shorthands.
pub(crate) fn events(bytes: &[u8]) {
    let Some(text) = refused(body::text(bytes)) else { return };
    for read in [parse(text), parse_usage(text, None), parse_usage(text, Some("a key".to_owned()))] {
        let Some(submission) = refused(read) else { continue };
        assert!(submission.events.len() <= BATCH_EVENTS);
        for event in submission.events {
            refused(event);
        }
    }
    refused(parse_shorthand(text));
}

/// The lines of an import: the same, however the bytes are cut into chunks.
pub(crate) fn import_lines(bytes: &[u8]) {
    let mut whole = Lines::new(IMPORT_LINE_BYTES);
    let mut lines = whole.push(bytes);
    lines.extend(whole.finish());
    let mut parts = Lines::new(IMPORT_LINE_BYTES);
    let size = usize::from(bytes.first().copied().unwrap_or_default()) + 1;
    let mut same: Vec<_> = bytes.chunks(size).flat_map(|chunk| parts.push(chunk)).collect();
    same.extend(parts.finish());
    assert_eq!(lines, same);
    for line in lines {
        assert!(!line.bytes.contains(&b'\n'));
        refused(read_line(&line.bytes));
    }
}

/// Bodies of one JSON object: prompts, declarations, evaluations, retractions.
pub(crate) fn bodies(bytes: &[u8]) {
    let Some(text) = refused(body::text(bytes)) else { return };
    refused(Creation::read(text, &user(), || Uuid::from_u128(2)));
    refused(retraction::Request::read(text));
    if let Some(evaluation) = refused(Evaluation::read(text)) {
        let answer = serde_json::to_string(&evaluation.answer());
        assert!(answer.is_ok_and(|answer| serde_json::from_str::<serde_json::Value>(&answer).is_ok()));
    }
    if let Some(declaration) = refused(Declaration::read(text, "an experiment", Status::Running)) {
        let bucket = declaration.assign("a unit").bucket;
        assert!((0.0..1.0).contains(&bucket));
        stays_as_it_is(declaration);
    }
}

/// What is stored of a declaration is read as what was declared.
fn stays_as_it_is(declaration: Declaration) {
    let experiment = Experiment { declaration, started_ms: None, stopped_ms: None, version: 1 };
    let stored = experiment.json("an experiment").replacen('{', "{\"version\":1,", 1);
    assert_eq!(Experiment::restore(&stored, "an experiment"), Ok(experiment));
}

/// A request of the data dialect: a line each for the table, the query string, `Prefer`, `Range` and `Accept`.
pub(crate) fn data_dialect(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let table = TABLES[usize::from(bytes.first().copied().unwrap_or_default()) % TABLES.len()];
    let parameters = Query::parse(lines.next().unwrap_or_default().get(1..).unwrap_or_default());
    let mut header = || lines.next().filter(|line| !line.is_empty()).map(str::to_owned);
    let headers = RequestHeaders { prefer: header(), range: header(), accept: header(), profile: header() };
    let Some(request) = refused_data(Request::read(table.name, &parameters, &headers)) else { return };
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        refused_data(request.refuse_unused(method));
    }
    refused_data(request.written_conditions("UPDATE"));
    for identity in [Identity::Anonymous, user(), Identity::Service(None)] {
        refused_data(read_sql::read(&request.query, &identity, request.preferences.counts));
    }
}

/// The rows of a write and the arguments of a function.
pub(crate) fn rows(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let table = TABLES[usize::from(*first) % TABLES.len()];
    let mut origin = Origin { now: NOW, caller: Some(Uuid::from_u128(1)), new_id: &mut || Uuid::from_u128(2) };
    if let Some(payload) = refused_data(Payload::read_new(table, bytes, None, true, &mut origin)) {
        assert!(serde_json::from_str::<serde_json::Value>(&payload.json()).is_ok());
    }
    if let Some(payload) = refused_data(Payload::read_changes(table, bytes, None, NOW)) {
        assert!(serde_json::from_str::<serde_json::Value>(&payload.json()).is_ok());
    }
    if let Some(arguments) = refused_data(Arguments::of_body(bytes)) {
        for name in ["increment_prompt_views", "increment_likes_count", "get_popular_templates", "no_function"] {
            refused_data(Function::read(name, &arguments));
        }
    }
}

/// Credentials, tokens and sets of public keys: nothing made up is anybody's.
pub(crate) fn tokens(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let keys = Keys { secret: Some("a secret that nobody can guess".to_owned()), ..Keys::default() };
    for credentials in [
        Credentials { authorization: Some(text), apikey: None },
        Credentials { authorization: Some(&format!("Bearer {text}")), apikey: Some(text) },
        Credentials { authorization: None, apikey: Some(text) },
    ] {
        let outcome = identify(credentials, &keys, 1_795_910_400.0);
        if let Ok(promptmeter::http::identity::Identification::Certain(identity)) = outcome {
            assert_eq!(identity, Identity::Anonymous, "{text}");
        }
    }
    if let Ok(token) = Token::parse(text) {
        let _ = token.claims(&Expected::default(), 1_795_910_400.0);
    }
    if let Ok(set) = KeySet::parse(text) {
        assert!(!set.knows("a key that is in no set"));
    }
}

/// The operators of text search, words, patterns, and instants.
pub(crate) fn text_queries(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for query in [text_query::plain(text), text_query::phrase(text), text_query::web(text)] {
        let _ = query.negates();
    }
    let _ = text_query::raw(text);
    for phrase in words::Phrase::all_of(text) {
        assert!(!phrase.words().is_empty());
        // Between double quotes there is no operator of FTS5.
        assert_eq!(phrase.expression().matches('"').count() % 2, 0);
    }
    let _ = (Pattern::read(text, true), Pattern::read(text, false));
    if let Some(stored) = parse_timestamp(text) {
        assert_eq!(parse_timestamp(&stored).as_deref(), Some(stored.as_str()), "{text}");
        assert!(timestamp_to_ms(&stored).is_some(), "{stored}");
    }
}

/// The parameters of the routes that read, their cursors included.
pub(crate) fn query_strings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let query = Query::parse(text);
    for list in List::ALL {
        refused(rankings::page::Page::parse(list.names().name, &query));
    }
    refused(Ask::parse(&query));
    refused(usage::scenes::Page::parse(&query));
    refused(experiments::page::Page::parse(&query));
    refused(experiments::runs::Page::parse(&query));
    if let Some(badge) = refused(BadgeRequest::parse(&query)) {
        assert!(draw(&badge, u64::MAX).ends_with("</svg>"));
    }
    refused(verification::page::Page::parse(&query));
    refused(Search::parse(&query));
    if let Some(series) = refused(SeriesRequest::parse(&query, NOW_MS)) {
        refused(series.period.window());
    }
    if let Some(period) = refused(Period::of_funnel(&query, NOW_MS)) {
        refused(period.window());
    }
}

/// Sessions as they are stored: what can be read is written as it was read.
pub(crate) fn stored_sessions(bytes: &[u8]) {
    if let Some(session) = unpack(bytes, None, false) {
        let packed = pack(&session);
        assert_eq!(unpack(&packed, None, false).map(|session| pack(&session)), Some(packed));
    }
}
