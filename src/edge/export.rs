//! `GET /v1/export`: all that is kept, as lines. A page is read when the one before it has been taken, so an export of any size
//! holds one page, or the few counters that are asked at once.

use std::cell::Cell;
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
use super::runtime::log_failure;
use super::{counters, d1};
use crate::counting::carried::{IMPORTED_AT_ONCE, Piece};
use crate::counting::protocol::{Command, Reply};
use crate::http::problem::Problem;
use crate::json::number_text;
use crate::moving::counter_lines::CounterLine;
use crate::moving::ending::Digest;
use crate::moving::page_sql;
use crate::moving::place::{self, Place};
use crate::moving::tables::{Moved, PARTS, Part, Way};
use crate::rest::rows::Cell as Value;

const MEDIA_TYPE: &str = "application/x-ndjson";
/// Counters that are asked at once: each holds what it tells until it is sent, a page of ids and its days.
const AT_ONCE: usize = 4;
/// Prompts whose counters are told together.
const PROMPTS: i64 = 40;

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
    let export = Export { env: call.env.clone(), place, from, calls, digest: Digest::default(), is_over: false };
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
}

impl Export {
    /// The next lines; nothing at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        if self.is_over {
            return Ok(None);
        }
        let mut lines = String::new();
        while lines.is_empty() {
            let Some(part) = PARTS.get(self.place.part) else { return Ok(Some(self.end(None))) };
            if self.calls <= 0 {
                return Ok(Some(self.end(Some(self.place.cursor()))));
            }
            self.calls -= 1;
            let last = match part {
                Part::Rows(moved) => self.rows(moved, &mut lines).await?,
                Part::RollupRests => self.check_rollup().await?,
                Part::Counters => self.counters(&mut lines).await?,
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
        let rows = d1::moving::page(&d1::database(&self.env)?, moved, &self.place.after).await?;
        for row in &rows {
            self.add(lines, &page_sql::line(moved, row));
        }
        if let (Way::Watermark, Some(Value::Number(version))) = (moved.way, rows.first().and_then(|row| row.last())) {
            self.place.rollup = number_text(*version);
        }
        Ok(rows.last().map(|row| page_sql::key_of(moved, row)))
    }

    async fn check_rollup(&self) -> Result<Option<Vec<String>>> {
        let version = d1::moving::rollup_version(&d1::database(&self.env)?).await?;
        if self.place.rollup != version.to_string() {
            return Err(Error::from("experiment events were rolled up meanwhile"));
        }
        Ok(None)
    }

    /// Adds the counters of some prompts; gives the last prompt, if there is one.
    async fn counters(&mut self, lines: &mut String) -> Result<Option<Vec<String>>> {
        let after = self.place.after.first().map_or("", String::as_str);
        let prompts = d1::moving::prompts(&d1::database(&self.env)?, after, PROMPTS).await?;
        self.calls -= i64::try_from(prompts.len()).unwrap_or(i64::MAX);
        for asked in prompts.chunks(AT_ONCE) {
            let replies = counters::ask_each(&self.env, asked, &Command::Carry).await;
            for (prompt_id, reply) in asked.iter().zip(replies) {
                let Reply::Carried { version, pieces } = reply? else { return Err(counters::unexpected()) };
                self.counter(lines, (*prompt_id, version), pieces).await?;
            }
        }
        Ok(prompts.last().map(|id| vec![id.to_string()]))
    }

    async fn counter(
        &mut self,
        lines: &mut String,
        (prompt_id, version): (Uuid, u64),
        pieces: Vec<Piece>,
    ) -> Result<()> {
        let here = pieces.iter().filter(|piece| matches!(piece, Piece::Ids { .. })).count() as u64;
        let has_more = matches!(pieces.last(), Some(Piece::Whole(whole)) if whole.ids > here);
        let mut ids = 0;
        for mut piece in pieces {
            match &mut piece {
                Piece::Ids { number, .. } => {
                    if ids == 0 && has_more {
                        ids = self.ids_before(lines, (prompt_id, version), *number).await?;
                    }
                    ids += 1;
                }
                Piece::Whole(whole) => {
                    // Those that the counter has forgotten meanwhile are not carried.
                    whole.ids = ids;
                    if whole.imported > 0 {
                        self.imported(lines, (prompt_id, version), whole.imported).await?;
                    }
                }
                Piece::Day { .. } | Piece::Imported(_) => {}
            }
            self.add(lines, &CounterLine { prompt_id, version, piece }.line());
        }
        Ok(())
    }

    /// Adds the segments of ids before one, which no counter changes any more; gives how many there are.
    async fn ids_before(&mut self, lines: &mut String, (prompt_id, version): (Uuid, u64), end: u64) -> Result<u64> {
        let (mut next, mut told) = (0, 0);
        while next < end {
            self.calls -= 1;
            let reply = counters::ask(&self.env, prompt_id, &Command::CarryIds { from: next, before: end }).await?;
            let Reply::CarriedIds { pieces } = reply else { return Err(counters::unexpected()) };
            let Some(Piece::Ids { number, .. }) = pieces.last() else { break };
            next = number + 1;
            told += pieces.len() as u64;
            for piece in pieces {
                self.add(lines, &CounterLine { prompt_id, version, piece }.line());
            }
        }
        Ok(told)
    }

    /// Adds the keys of imported rows, of which there are as many as the counter said.
    async fn imported(&mut self, lines: &mut String, (prompt_id, version): (Uuid, u64), count: u64) -> Result<()> {
        let (mut after, mut told) = (None, 0);
        loop {
            self.calls -= 1;
            let reply = counters::ask(&self.env, prompt_id, &Command::CarryImported { after }).await?;
            let Reply::CarriedImported { keys } = reply else { return Err(counters::unexpected()) };
            let here = keys.len() / 8;
            told += here;
            after = keys.last_chunk().map(|key| i64::from_be_bytes(*key));
            if here > 0 {
                self.add(lines, &CounterLine { prompt_id, version, piece: Piece::Imported(keys) }.line());
            }
            if here < IMPORTED_AT_ONCE {
                break;
            }
        }
        if told as u64 != count {
            return Err(Error::from("rows were imported meanwhile"));
        }
        Ok(())
    }
}
