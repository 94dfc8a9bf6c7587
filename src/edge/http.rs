//! The border between JavaScript and WebAssembly: a request's head comes in and a response goes out as one text.

use js_sys::futures::JsFuture;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{ReadableStream, Response};

#[wasm_bindgen(module = "/src/edge/http.js")]
extern "C" {
    /// A response; `headers` are lines, each a name, a colon and a value.
    #[wasm_bindgen(catch, js_name = responseOf)]
    pub(super) fn response_of(
        status: u16,
        headers: &str,
        body: Option<String>,
    ) -> std::result::Result<Response, JsValue>;

    /// The same with a body that goes on.
    #[wasm_bindgen(catch, js_name = responseOf)]
    pub(super) fn response_with(
        status: u16,
        headers: &str,
        body: &ReadableStream,
    ) -> std::result::Result<Response, JsValue>;
}

/// A body at once: to read it chunk by chunk costs more than it says.
pub(super) async fn whole_body(body: std::result::Result<Promise, JsValue>) -> std::result::Result<Vec<u8>, JsValue> {
    let bytes = JsFuture::from(body?).await?;
    Ok(Uint8Array::new(&bytes).to_vec())
}
