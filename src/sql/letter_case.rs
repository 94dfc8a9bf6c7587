//! Letters and their capitals beyond ASCII, of which the database knows nothing.

/// The small letter of a capital, where it is one letter.
#[must_use]
pub fn lower(character: char) -> char {
    let mut folded = character.to_lowercase();
    match (folded.next(), folded.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

/// The capitals beyond ASCII of a letter.
pub fn capitals(letter: char) -> impl Iterator<Item = char> {
    let mut raised = letter.to_uppercase();
    let own = raised.next().filter(|own| raised.next().is_none() && !own.is_ascii() && lower(*own) == letter);
    own.filter(|own| *own != letter).into_iter().chain(other_capital(letter))
}

/// The capital that becomes a letter, but that the letter does not become: signs, titles, and capitals that are written
/// with two letters otherwise.
fn other_capital(letter: char) -> Option<char> {
    let after = |distance: u32| char::from_u32(u32::from(letter) + distance);
    match letter {
        'ß' => Some('ẞ'),
        'k' => Some('\u{212A}'),
        'å' => Some('\u{212B}'),
        'ω' => Some('\u{2126}'),
        'θ' => Some('ϴ'),
        'ǆ' | 'ǉ' | 'ǌ' | 'ǳ' => char::from_u32(u32::from(letter) - 1),
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => after(8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => after(9),
        _ => None,
    }
}
