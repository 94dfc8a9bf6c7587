//! How wide a text is, without the font: the pictures of a badge are drawn by whoever shows them.

/// Parts of an em in which widths are given.
const EM: u64 = 200;
/// The advance widths of Verdana, from the space to the tilde.
const ASCII: [u8; 95] = [
    70, 79, 92, 164, 127, 215, 145, 54, 91, 91, 127, 164, 73, 91, 73, 91, 127, 127, 127, 127, 127, 127, 127, 127, 127,
    127, 91, 91, 164, 164, 164, 109, 200, 137, 137, 140, 154, 127, 115, 155, 150, 84, 91, 139, 111, 169, 150, 157, 121,
    157, 139, 137, 123, 146, 137, 198, 137, 123, 137, 91, 91, 91, 164, 127, 127, 120, 125, 104, 125, 119, 70, 125, 127,
    55, 69, 118, 55, 195, 127, 121, 125, 125, 85, 104, 79, 127, 118, 164, 118, 118, 105, 127, 91, 127, 164,
];
/// Those of the upper half of Latin-1, from the no-break space on.
const LATIN_1: [u8; 96] = [
    70, 79, 127, 127, 127, 127, 91, 127, 127, 200, 109, 129, 164, 0, 200, 127, 108, 164, 108, 108, 127, 128, 127, 73,
    127, 108, 109, 129, 200, 200, 200, 109, 137, 137, 137, 137, 137, 137, 197, 140, 127, 127, 127, 127, 84, 84, 84, 84,
    155, 150, 157, 157, 157, 157, 157, 164, 157, 146, 146, 146, 146, 123, 121, 124, 120, 120, 120, 120, 120, 120, 191,
    104, 119, 119, 119, 119, 55, 55, 55, 55, 122, 127, 121, 121, 121, 121, 121, 164, 121, 127, 127, 127, 127, 118, 125,
    0,
];
/// Any other letter is taken to be as wide as a wide one of Cyrillic or Greek.
const OTHER: u8 = 190;

/// How wide a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextWidth {
    /// In tenths of a pixel.
    pub tenths: u64,
    /// Whether the width of each character is known: then whoever draws it may be held to it.
    pub is_known: bool,
}

/// How wide a text is in a font of Verdana's widths, of this size in pixels; in bold, a ninth wider.
#[must_use]
pub fn text_width(text: &str, font_px: u64, is_bold: bool) -> TextWidth {
    let is_known = text.chars().all(|character| known_width(character).is_some());
    let width = |character| u64::from(known_width(character).unwrap_or_else(|| guessed_width(character)));
    let sum: u64 = text.chars().map(width).sum();
    let tenths = (sum * font_px * 10).div_ceil(EM);
    TextWidth { tenths: if is_bold { (tenths * 9).div_ceil(8) } else { tenths }, is_known }
}

fn known_width(character: char) -> Option<u8> {
    let place = u32::from(character);
    let (first, widths): (u32, &[u8]) = if place < 0x80 { (0x20, &ASCII) } else { (0xA0, &LATIN_1) };
    widths.get(usize::try_from(place.checked_sub(first)?).ok()?).copied()
}

/// Generous: a box that is too wide is better than a text that is cut off.
fn guessed_width(character: char) -> u8 {
    match character {
        // They stand on or between others.
        '\u{300}'..='\u{36F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0000}'..='\u{E0FFF}' => 0,
        // Chinese, Japanese, Korean, and what is as wide.
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF01}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}' => 200,
        // Pictures, and rare characters of which nothing is known.
        '\u{2190}'..='\u{2BFF}' | '\u{10000}'.. => 250,
        _ => OTHER,
    }
}
