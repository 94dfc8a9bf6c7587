//! `GET /v1/export`: all that is kept, as lines. A page is read when the one before it has been taken, so an export of any size
//! holds one page, and what the few counters told that are asked at once.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::futures::future_to_promise;
use js_sys::{Promise, Uint8Array};
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::ReadableStream;
use worker::{Env, Error, Result};

use super::answer::Answer;
use super::call::Call;
use super::carried_counter::CarriedCounter;
use super::runtime::log_failure;
use super::{counters, d1};
use crate::counting::protocol::{Command, Reply};
use crate::counting::segment::SEGMENTS_AT_ONCE;
use crate::http::problem::Problem;
use crate::json::number_text;
use crate::moving::ending::Digest;
use crate::moving::page_sql;
use crate::moving::place::{self, Place};
use crate::moving::tables::{Moved, PARTS, Part, Way};
use crate::rest::rows::Cell as Value;

const MEDIA_TYPE: &str = "application/x-ndjson";
/// Counters that are asked at once: each holds what it tells until it is sent, its days and a page of ids.
const AT_ONCE: usize = 4;
/// Prompts that are found at once.
const PROMPTS: i64 = 40;
/// Bytes of lines beyond which no further ones are added to those that are sent together.
const LINES_BYTES: usize = 1 << 18;

#[wasm_bindgen(module = "/src/edge/pulled.js")]
extern "C" {
    fn pulled(next: &JsValue) -> ReadableStream;
}

/// Tells all from `cursor` on, in as many calls as one answer may make.
pub(super) fn get_export(call: &Call) -> std::result::Result<Answer, Problem> {
    let query = call.query();
    let place = Place::parse(&query)?;
    let calls = place::calls(&query)?;
    if call.head.method() == "HEAD" {
        return Ok(Answer::text(200, String::new(), MEDIA_TYPE));
    }
    let from = place.as_ref().map(Place::cursor);
    let place = place.unwrap_or_default();
    let (digest, prompts, counters) = Default::default();
    let export = Export { env: call.env.clone(), place, from, calls, digest, is_over: false, prompts, counters };
    Ok(Answer::stream(body(export), MEDIA_TYPE))
}

/// The stream of an export. What fails breaks it off: it has no last line then.
fn body(export: Export) -> ReadableStream {
    let export = Rc::new(Cell::new(Some(export)));
    let next = Closure::<dyn FnMut() -> Promise>::new(move || {
        let export = Rc::clone(&export);
        future_to_promise(async move {
            let Some(mut current) = export.take() else { return Ok(JsValue::UNDEFINED) };
            let lines = current.next().await.map_err(|error| {
                log_failure("export", &error.to_string());
                JsValue::from_str("the export broke off")
            })?;
            export.set(Some(current));
            Ok(lines.map_or(JsValue::UNDEFINED, |lines| Uint8Array::from(lines.as_bytes()).into()))
        })
    });
    pulled(&next.into_js_value())
}

struct Export {
    env: Env,
    place: Place,
    from: Option<String>,
    /// Pages and counters that may still be asked for.
    calls: i64,
    digest: Digest,
    is_over: bool,
    /// Prompts whose counters are asked next.
    prompts: VecDeque<Uuid>,
    /// Counters that were asked; the first may be exported in part.
    counters: VecDeque<CarriedCounter>,
}

impl Export {
    /// The next lines; nothing at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        if self.is_over {
            return Ok(None);
        }
        let mut lines = String::new();
        while lines.len() < LINES_BYTES {
            if let Some(counter) = self.counters.pop_front_if(|counter| self.calls > 0 || counter.has_begun()) {
                self.add_counter(&mut lines, counter).await?;
                continue;
            }
            let Some(part) = PARTS.get(self.place.part) else { return Ok(Some(lines + &self.end(None))) };
            if self.calls <= 0 {
                let cursor = self.place.cursor();
                return Ok(Some(lines + &self.end(Some(cursor))));
            }
            let last = match part {
                Part::Counters if self.ask_counters().await? => continue,
                Part::Counters => None,
                Part::Rows(moved) => self.rows(moved, &mut lines).await?,
                Part::RollupRests => self.check_rollup().await?,
            };
            match last {
                Some(key) => self.place.after = key,
                None => self.place = self.place.next_part(),
            }
        }
        Ok(Some(lines))
    }

    fn end(&mut self, next: Option<String>) -> String {
        self.is_over = true;
        self.digest.ending(self.from.take(), next).line() + "\n"
    }

    fn add(&mut self, lines: &mut String, line: &str) {
        self.digest.add(line.as_bytes());
        lines.push_str(line);
        lines.push('\n');
    }

    /// Adds a page of a table; gives the key of its last row, if there is one.
    async fn rows(&mut self, moved: &'static Moved, lines: &mut String) -> Result<Option<Vec<String>>> {
        self.calls -= 1;
        let rows = d1::moving::page(&d1::database(&self.env)?, moved, &self.place.after).await?;
        for row in &rows {
            self.add(lines, &page_sql::line(moved, row));
        }
        if let (Way::Watermark, Some(Value::Number(version))) = (moved.way, rows.first().and_then(|row| row.last())) {
            self.place.rollup = number_text(*version);
        }
        Ok(rows.last().map(|row| page_sql::key_of(moved, row)))
    }

    async fn check_rollup(&mut self) -> Result<Option<Vec<String>>> {
        self.calls -= 1;
        let version = d1::moving::rollup_version(&d1::database(&self.env)?).await?;
        if self.place.rollup != version.to_string() {
            return Err(Error::from("experiment events were rolled up meanwhile"));
        }
        Ok(None)
    }

    /// Asks the next counters, or finds the prompts of the next; whether there are any.
    async fn ask_counters(&mut self) -> Result<bool> {
        if self.prompts.is_empty() {
            self.calls -= 1;
            let after = self.place.after.first().map_or("", String::as_str);
            self.prompts = d1::moving::prompts(&d1::database(&self.env)?, after, PROMPTS).await?.into();
            return Ok(!self.prompts.is_empty());
        }
        let asked: Vec<Uuid> = self.prompts.drain(..AT_ONCE.min(self.prompts.len())).collect();
        self.calls -= i64::try_from(asked.len()).unwrap_or(i64::MAX);
        let command = Command::Carry { segments: SEGMENTS_AT_ONCE as u64 };
        for (prompt_id, reply) in asked.iter().zip(counters::ask_each(&self.env, &asked, &command).await) {
            let Reply::Carried { version, pieces } = reply? else { return Err(counters::unexpected()) };
            self.counters.push_back(CarriedCounter::new(self.env.clone(), *prompt_id, version, pieces));
        }
        Ok(true)
    }

    /// Adds the next lines of the counter that was asked first.
    async fn add_counter(&mut self, lines: &mut String, mut counter: CarriedCounter) -> Result<()> {
        let next = counter.next().await?;
        self.calls -= counter.take_calls();
        if next.is_empty() {
            self.place.after = vec![counter.prompt_id().to_string()];
            return Ok(());
        }
        for line in &next {
            self.add(lines, &line.line());
        }
        self.counters.push_front(counter);
        Ok(())
    }
}
