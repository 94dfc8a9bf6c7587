//! Time zones, as the runtime knows them (`Intl.DateTimeFormat`): a copy of the IANA's data is a quarter of a worker.

use std::cell::RefCell;
use std::ops::Range;

use js_sys::JSON;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::runtime::log_failure;
use crate::http::problem::Problem;
use crate::json::json_text;
use crate::series::request::unknown_zone;
use crate::series::zone::{Zone, parse_offset};
use crate::time::QUARTER_MS;

/// Zones that an isolate remembers at the most; then it starts anew.
const REMEMBERED_ZONES: usize = 64;

#[wasm_bindgen]
extern "C" {
    /// What writes instants as a zone has them.
    #[derive(Clone)]
    #[wasm_bindgen(js_namespace = Intl)]
    type DateTimeFormat;

    #[wasm_bindgen(constructor, js_namespace = Intl, catch)]
    fn new(locale: &str, options: &JsValue) -> Result<DateTimeFormat, JsValue>;

    #[wasm_bindgen(method)]
    fn format(this: &DateTimeFormat, at_ms: f64) -> String;
}

thread_local! {
    /// Those that were made, by zone: making one takes as long as a hundred uses.
    static FORMATS: RefCell<Vec<(String, DateTimeFormat)>> = const { RefCell::new(Vec::new()) };
}

/// The offsets of a zone over a window of quarter hours since 1970.
///
/// # Errors
/// [`unknown_zone`] when the runtime does not know the zone.
pub(super) fn observe(tz: &str, window: &Range<i64>) -> Result<Zone, Problem> {
    let format = format_of(tz)?;
    #[expect(clippy::cast_precision_loss, reason = "no instant of a request has more than 48 bits")]
    let mut offset_at = |quarter: i64| parse_offset(&format.format((quarter * QUARTER_MS) as f64));
    Zone::observe(window, &mut offset_at).ok_or_else(|| {
        log_failure("time zone", tz);
        Problem::storage()
    })
}

fn format_of(tz: &str) -> Result<DateTimeFormat, Problem> {
    FORMATS.with_borrow_mut(|known| {
        if let Some((_, format)) = known.iter().find(|(name, _)| name == tz) {
            return Ok(format.clone());
        }
        // It writes `3/29/2026, GMT+02:00`.
        let options = json_text(&json!({"timeZone": tz, "timeZoneName": "longOffset"}));
        let format = JSON::parse(&options).and_then(|options| DateTimeFormat::new("en-US", &options));
        let format = format.map_err(|_| unknown_zone())?;
        if known.len() >= REMEMBERED_ZONES {
            known.clear();
        }
        known.push((tz.to_owned(), format.clone()));
        Ok(format)
    })
}
