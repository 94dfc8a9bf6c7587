//! Text in XML 1.0.

/// Adds a text as the content of an element or of an attribute. What XML 1.0 has no place for is told as
/// U+FFFD; line breaks and tabs, which an attribute would not keep, are spaces.
pub fn push_text(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&#39;"),
            '\t' | '\n' | '\r' => xml.push(' '),
            '\0'..'\x20' | '\u{FFFE}' | '\u{FFFF}' => xml.push('\u{FFFD}'),
            _ => xml.push(character),
        }
    }
}
