//! The answer of `GET /healthz`.

use super::check::{Check, Status};
use crate::json::json_text;

/// How all of it is: as the worst of what was looked at.
#[must_use]
pub fn status(checks: &[Check]) -> Status {
    checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok)
}

/// The body: `{"status", "checks": [{"name", "status", "detail"}]}`.
#[must_use]
pub fn body(checks: &[Check]) -> String {
    let of = |Check { name, status, detail }: &Check| {
        let (status, detail) = (status.name(), json_text(detail));
        format!("{{\"name\":\"{name}\",\"status\":\"{status}\",\"detail\":{detail}}}")
    };
    let all: Vec<String> = checks.iter().map(of).collect();
    format!("{{\"status\":\"{}\",\"checks\":[{}]}}", status(checks).name(), all.join(","))
}

/// The HTTP status: 503 when requests cannot be answered.
#[must_use]
pub fn http_status(checks: &[Check]) -> u16 {
    if status(checks) == Status::Failing { 503 } else { 200 }
}
