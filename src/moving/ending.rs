//! The last line of an export: how many lines stand before it, and the SHA-256 of their bytes.

use sha2::{Digest as _, Sha256};

use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::json::json_text;
use crate::sql::hex::hex;

/// The lines of an export, or those that come in, up to here.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hash: Sha256,
    lines: u64,
}

/// What the last line says of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How many lines stand before it.
    pub lines: u64,
    /// The SHA-256 of their bytes, each with its line feed, in hexadecimal digits.
    pub sha256: String,
    /// The cursor that this part of the export was asked for with; null of the first one.
    pub from: Option<String>,
    /// The cursor to ask for the next part with; null at the end.
    pub next: Option<String>,
}

impl Digest {
    /// Adds a line, which is given without its line feed.
    pub fn add(&mut self, line: &[u8]) {
        self.hash.update(line);
        self.hash.update(b"\n");
        self.lines += 1;
    }

    /// What is said of the lines so far.
    #[must_use]
    pub fn ending(&self, from: Option<String>, next: Option<String>) -> Ending {
        Ending { lines: self.lines, sha256: hex(&self.hash.clone().finalize()), from, next }
    }
}

impl Ending {
    /// Its line, without a line feed.
    #[must_use]
    pub fn line(&self) -> String {
        let lines = self.lines.to_string();
        let told = [("lines", lines), ("sha256", json_text(&self.sha256)), ("from", json_text(&self.from))];
        let mut line = "{\"end\":{".to_owned();
        for (name, value) in told {
            for part in ["\"", name, "\":", &value, ","] {
                line.push_str(part);
            }
        }
        line + "\"next\":" + &json_text(&self.next) + "}}"
    }

    /// Reads what its line says.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        let (lines, sha256) = (fields.field("lines"), fields.field("sha256"));
        Ok(Self {
            lines: lines.required(lines.integer()?)?.unsigned_abs(),
            sha256: sha256.required(sha256.text()?)?,
            from: fields.field("from").text()?,
            next: fields.field("next").text()?,
        })
    }

    /// Compares with the lines that came in; begins anew behind it. Gives how many there were.
    ///
    /// # Errors
    /// [`Code::DigestMismatch`].
    pub fn check(&self, came: &mut Digest) -> Result<u64, Problem> {
        let found = std::mem::take(came).ending(None, None);
        if (found.lines, &found.sha256) == (self.lines, &self.sha256) {
            return Ok(found.lines);
        }
        let detail = format!(
            "Before it stood {} lines with the digest {}, and not what was exported. What could be stored is.",
            found.lines, found.sha256
        );
        Err(Problem::at(Code::DigestMismatch, "/end", detail))
    }
}
