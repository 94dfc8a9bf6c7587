//! Time zones, as the runtime knows them (`Intl.DateTimeFormat`): a copy of the IANA's data is a quarter of a worker.

use std::cell::RefCell;
use std::ops::Range;

use js_sys::{Array, Function, JSON, Object, Reflect};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};

use super::runtime::log_failure;
use crate::http::problem::Problem;
use crate::json::json_text;
use crate::series::request::unknown_zone;
use crate::series::zone::{Zone, parse_offset};
use crate::time::QUARTER_MS;

/// Zones that an isolate remembers at the most; then it starts anew.
const REMEMBERED_ZONES: usize = 64;

thread_local! {
    /// The functions that write an instant with its offset, by zone: making one takes as long as a hundred calls.
    static FORMATS: RefCell<Vec<(String, Function)>> = const { RefCell::new(Vec::new()) };
}

/// The offsets of a zone over a window of quarter hours since 1970.
///
/// # Errors
/// [`unknown_zone`] when the runtime does not know the zone.
pub(super) fn observe(tz: &str, window: &Range<i64>) -> Result<Zone, Problem> {
    let format = format(tz)?;
    Zone::observe(window, &mut |quarter| offset_at(&format, quarter)).ok_or_else(|| {
        log_failure("time zone", tz);
        Problem::storage()
    })
}

fn offset_at(format: &Function, quarter: i64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "no instant of a request has more than 48 bits")]
    let at_ms = (quarter * QUARTER_MS) as f64;
    parse_offset(&format.call1(&JsValue::UNDEFINED, &at_ms.into()).ok()?.as_string()?)
}

fn format(tz: &str) -> Result<Function, Problem> {
    let known =
        FORMATS.with_borrow(|known| known.iter().find(|(name, _)| name == tz).map(|(_, format)| format.clone()));
    if let Some(format) = known {
        return Ok(format);
    }
    let format = new_format(tz).map_err(|_| unknown_zone())?;
    FORMATS.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED_ZONES {
            known.clear();
        }
        known.push((tz.to_owned(), format.clone()));
    });
    Ok(format)
}

/// The `format` of a new `Intl.DateTimeFormat`, which writes `3/29/2026, GMT+02:00`; fails where there is no such zone.
fn new_format(tz: &str) -> Result<Function, JsValue> {
    let options = JSON::parse(&json_text(&json!({"timeZone": tz, "timeZoneName": "longOffset"})))?;
    let intl = Reflect::get(&js_sys::global(), &"Intl".into())?;
    let constructor: Function = Reflect::get(&intl, &"DateTimeFormat".into())?.dyn_into()?;
    let formatter: Object = Reflect::construct(&constructor, &Array::of2(&"en-US".into(), &options))?.dyn_into()?;
    Reflect::get(&formatter, &"format".into())?.dyn_into()
}
