//! Colours by the names that badges use, and by their digits.

/// A colour, as red, green and blue in 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u32);

impl Color {
    /// What the label stands on.
    pub const LABEL: Self = Self(0x55_5555);
    /// What the count stands on, unless another is asked for.
    pub const COUNT: Self = Self(0x00_7EC6);

    /// The names, as shields.io has them.
    pub const NAMED: [(&str, u32); 16] = [
        ("brightgreen", 0x44_CC11),
        ("green", 0x97_CA00),
        ("yellowgreen", 0xA4_A61D),
        ("yellow", 0xDF_B317),
        ("orange", 0xFE_7D37),
        ("red", 0xE0_5D44),
        ("blue", 0x00_7EC6),
        ("grey", 0x55_5555),
        ("gray", 0x55_5555),
        ("lightgrey", 0x9F_9F9F),
        ("lightgray", 0x9F_9F9F),
        ("success", 0x44_CC11),
        ("important", 0xFE_7D37),
        ("critical", 0xE0_5D44),
        ("informational", 0x00_7EC6),
        ("inactive", 0x9F_9F9F),
    ];

    /// Reads a name, or three or six hexadecimal digits with or without `#`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if let Some((_, color)) = Self::NAMED.iter().find(|(name, _)| *name == text) {
            return Some(Self(*color));
        }
        let digits = text.strip_prefix('#').unwrap_or(&text);
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let color = u32::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)?;
        match digits.len() {
            3 => Some(Self(((color & 0xF00) << 8 | (color & 0xF0) << 4 | color & 0xF) * 0x11)),
            6 => Some(Self(color)),
            _ => None,
        }
    }

    /// The colour of text that can be read on it, and that of the text's shadow.
    #[must_use]
    pub fn text(self) -> (Self, Self) {
        let [_, red, green, blue] = self.0.to_be_bytes().map(u32::from);
        let brightness = (299 * red + 587 * green + 114 * blue) / 1000;
        if brightness <= 175 { (Self(0xFF_FFFF), Self(0x01_0101)) } else { (Self(0x33_3333), Self(0xCC_CCCC)) }
    }

    /// As SVG writes it.
    #[must_use]
    pub fn hexadecimal(self) -> String {
        let digit = |place: u32| char::from_digit(self.0 >> (4 * place) & 0xF, 16);
        let digits = [5, 4, 3, 2, 1, 0].into_iter().filter_map(digit);
        std::iter::once('#').chain(digits).collect()
    }
}
