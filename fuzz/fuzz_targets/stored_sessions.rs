#![no_main]

#[allow(dead_code)] // each target runs one of them
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::stored_sessions(bytes));
