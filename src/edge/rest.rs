//! `/rest/v1/{table}`: reads and writes rows in the data dialect.

use worker::{Env, Error};

use super::answer::Answer;
use super::call::Call;
use super::d1::Prepared;
use super::runtime::log_failure;
use super::{d1, first_sight, rest_write};
use crate::data::policy::policy_of;
use crate::data::schema::Table;
use crate::data::tables::USERS;
use crate::http::identity::Identity;
use crate::http::problem::Problem;
use crate::limits::{EMBEDDED_ROWS, STATEMENT_BYTES};
use crate::rest::error::{DataError, ErrorCode};
use crate::rest::preference::{Format, RequestHeaders};
use crate::rest::query::Query;
use crate::rest::read_sql;
use crate::rest::request::Request;
use crate::rest::rows::{self, Cell, Children, Row, Shape};
use crate::sql::statement::Statement;

/// Answers a request to the rows of a table.
pub(super) async fn answer(mut call: Call) -> Result<Answer, DataError> {
    let method = call.head.method().to_owned();
    let headers = RequestHeaders {
        accept: call.header("Accept"),
        prefer: call.header("Prefer"),
        range: call.header("Range").filter(|_| matches!(method.as_str(), "GET" | "HEAD")),
        profile: call.header(if matches!(method.as_str(), "GET" | "HEAD") {
            "Accept-Profile"
        } else {
            "Content-Profile"
        }),
    };
    let request = Request::read(&call.id, &call.query(), &headers)?;
    request.refuse_unused(&method)?;
    if !matches!(method.as_str(), "GET" | "HEAD")
        && policy_of(request.query.table).is_some_and(|policy| policy.is_read_only)
    {
        let message = format!("permission denied for view {}", request.query.table.name);
        return Err(DataError::forbidden(&call.identity, message));
    }
    match method.as_str() {
        "POST" => rest_write::insert(&mut call, &request).await,
        "PATCH" => rest_write::update(&mut call, &request).await,
        "DELETE" => rest_write::delete(&call, &request).await,
        _ => read(&call, &request).await,
    }
}

async fn read(call: &Call, request: &Request) -> Result<Answer, DataError> {
    if request.query.table.name == USERS.name
        && let Some(user) = call.identity.user()
    {
        let made = first_sight::wait_for_row(&call.env, user, call.now_ms).await;
        made.map_err(|error| failure(&error, request.query.table))?;
    }
    let keys = (call.head.method() == "HEAD").then(|| request.query.keys());
    let query = keys.as_ref().unwrap_or(&request.query);
    let found = fetch(&call.env, &call.identity, query, request.preferences.counts).await?;
    let body = rows::write(request.format, &found.shape, &found.rows, &found.children)?;
    let (first, given) = (request.query.offset, i64::try_from(found.rows.len()).unwrap_or(i64::MAX));
    let range = content_range(first, given, found.count);
    match found.count {
        Some(count) if first > count => {
            let details = format!("An offset of {first} was requested, but there are only {count} rows.");
            let error = DataError::new(ErrorCode::InvalidRange, "Requested range not satisfiable").details(details);
            Err(DataError { headers: vec![("Content-Range", range)], ..error })
        }
        count => {
            let status = if count.is_some_and(|count| given < count) { 206 } else { 200 };
            Ok(Answer::text(status, body, request.format.media_type()).header("Content-Range", range))
        }
    }
}

/// The header `Content-Range` of rows that begin at `first`, of `count` in all.
pub(super) fn content_range(first: i64, given: i64, count: Option<i64>) -> String {
    let count = count.map_or_else(|| "*".to_owned(), |count| count.to_string());
    if given == 0 { format!("*/{count}") } else { format!("{first}-{}/{count}", first + given - 1) }
}

/// Rows that were read.
pub(super) struct Found {
    /// How their cells are told.
    pub(super) shape: Shape,
    /// The rows.
    pub(super) rows: Vec<Row>,
    /// What belongs to them.
    pub(super) children: Vec<Children>,
    count: Option<i64>,
}

/// What a query finds.
pub(super) async fn fetch(env: &Env, identity: &Identity, query: &Query, counts: bool) -> Result<Found, DataError> {
    let read = read_sql::read(query, identity, counts)?;
    let statements = [&read.rows].into_iter().chain(read.children.iter().map(|(child, _)| child)).chain(&read.count);
    let mut results = run(env, query.table, statements, Vec::new()).await?.into_iter();
    let rows = results.next().unwrap_or_default();
    rows::check_bytes(&read.shape, &rows)?;
    let mut children = Vec::new();
    for (_, shape) in read.children {
        let rows = results.next().unwrap_or_default();
        rows::check_bytes(&shape, &rows)?;
        if i64::try_from(rows.len()).is_ok_and(|rows| rows > EMBEDDED_ROWS) {
            let message = format!("more than {EMBEDDED_ROWS} embedded rows");
            return Err(
                DataError::new(ErrorCode::TooLarge, message).hint("Use limit, or a limit on the embedded table.")
            );
        }
        children.push(Children::of(shape, rows));
    }
    let count = read.count.map(|_| results.next().as_deref().map_or(0, |rows| first_number(rows, 0)));
    Ok(Found { shape: read.shape, rows, children, count })
}

/// The one row that a query finds, as a JSON object.
pub(super) async fn object(env: &Env, identity: &Identity, query: &Query) -> Result<String, DataError> {
    let found = fetch(env, identity, query, false).await?;
    rows::write(Format::Object, &found.shape, &found.rows, &found.children)
}

/// Runs statements in one transaction, after those that come `before`.
pub(super) async fn run<'a>(
    env: &Env,
    table: &Table,
    statements: impl IntoIterator<Item = &'a Statement>,
    before: Vec<Prepared>,
) -> Result<Vec<Vec<Row>>, DataError> {
    let statements: Vec<&Statement> = statements.into_iter().collect();
    if statements.iter().any(|statement| statement.text().len() > STATEMENT_BYTES) {
        return Err(DataError::too_complex());
    }
    let attempt = async {
        let database = d1::database(env)?;
        let mut batch = before;
        for statement in statements {
            batch.push(d1::prepared(&database, statement)?);
        }
        d1::rows::run(&database, batch).await
    };
    attempt.await.map_err(|error| failure(&error, table))
}

/// What the caller is told of a failure of storage.
pub(super) fn failure(error: &Error, table: &Table) -> DataError {
    let text = error.to_string();
    DataError::of_failure(&text, table.name).unwrap_or_else(|| {
        log_failure("rest", &text);
        Problem::storage().into()
    })
}

/// A number in the first row.
pub(super) fn first_number(rows: &[Row], place: usize) -> i64 {
    match rows.first().and_then(|row| row.get(place)) {
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        Some(Cell::Number(number)) => *number as i64,
        _ => 0,
    }
}
