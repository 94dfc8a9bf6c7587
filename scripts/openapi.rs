//! Prints the `OpenAPI` document: what `make openapi` writes into `public/openapi.json`.

use std::io::{self, Write};

use serde_json::Value;

/// Levels of which each member has a line of its own, so that a change shows where it is.
const LEVELS: usize = 3;

fn main() -> io::Result<()> {
    let mut text = String::new();
    write(&promptmeter::openapi::document(), 0, &mut text);
    writeln!(io::stdout(), "{text}")
}

fn write(value: &Value, level: usize, text: &mut String) {
    match value {
        Value::Object(members) if level < LEVELS && !members.is_empty() => {
            for (place, (name, member)) in members.iter().enumerate() {
                text.push_str(if place == 0 { "{\n" } else { ",\n" });
                text.push_str(&" ".repeat(level + 1));
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                write(member, level + 1, text);
            }
            text.push('\n');
            text.push_str(&" ".repeat(level));
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}
