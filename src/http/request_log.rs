//! One line of JSON for each request: what it cost, and nothing about who sent it.

use super::route::RouteName;
use crate::json::json_text;

/// Which requests are told: the setting `LOG_REQUESTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// All.
    All,
    /// Those that were answered with a 5xx.
    Errors,
    /// None.
    Off,
}

impl Logged {
    /// Reads the setting; what is neither `errors` nor `off` is all.
    #[must_use]
    pub fn parse(setting: Option<&str>) -> Self {
        match setting.map(str::trim) {
            Some("errors") => Self::Errors,
            Some("off") => Self::Off,
            _ => Self::All,
        }
    }

    /// Whether a request with this status is told.
    #[must_use]
    pub fn has(self, status: u16) -> bool {
        match self {
            Self::All => true,
            Self::Errors => status >= 500,
            Self::Off => false,
        }
    }
}

/// What a request has the instance do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Rows that D1 read.
    pub rows_read: u64,
    /// Rows that D1 wrote.
    pub rows_written: u64,
    /// Calls to Durable Objects.
    pub object_calls: u64,
}

/// The line of a request.
#[must_use]
pub fn line(route: RouteName, status: u16, duration_ms: i64, costs: Costs, request_id: &str) -> String {
    let RouteName { method, path } = route;
    let Costs { rows_read, rows_written, object_calls } = costs;
    format!(
        "{{\"level\":\"info\",\"what\":\"request\",\"method\":\"{method}\",\"route\":\"{path}\",\"status\":{status},\
        \"duration_ms\":{duration_ms},\"rows_read\":{rows_read},\"rows_written\":{rows_written},\
        \"object_calls\":{object_calls},\"request_id\":{}}}",
        json_text(request_id)
    )
}

/// The id of a request: as Cloudflare names it (`CF-Ray`), or the `number`th of the isolate that `isolate` names.
#[must_use]
pub fn request_id(ray: Option<&str>, (isolate, number): (u32, u32)) -> String {
    let is_plain = |ray: &&str| {
        (1..=64).contains(&ray.len()) && ray.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    ray.filter(is_plain).map_or_else(|| format!("{isolate:08x}-{number:x}"), str::to_owned)
}
