//! Whether a user agent is that of a robot: the list's verdicts, which an isolate remembers.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::counting::id_digest::digest_key;
use crate::traffic::recent::Recent;

/// User agents in one generation of those that an isolate remembers.
const AGENTS: usize = 1000;

thread_local! {
    static VERDICTS: RefCell<Recent> = RefCell::new(Recent::with_generation(AGENTS));
}

#[wasm_bindgen(module = "/src/edge/robots.js")]
extern "C" {
    #[wasm_bindgen(js_name = isRobot)]
    fn is_listed(agent: &str) -> bool;
}

/// Whether this user agent is that of a robot. One that is empty is not.
pub(super) fn is_robot(agent: &str) -> bool {
    if agent.is_empty() {
        return false;
    }
    let verdict = || i64::from(is_listed(agent));
    VERDICTS.with_borrow_mut(|verdicts| verdicts.get_or_insert_with(digest_key(agent), verdict)) != 0
}
