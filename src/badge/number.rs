//! Counts in few characters.

/// The units, the largest first.
const UNITS: [(u64, &str); 4] = [(1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (1000, "k")];

/// A count as a badge shows it: up to 999 as it is, then in thousands (`k`), millions (`M`), billions (`B`) and trillions (`T`),
/// below ten of them with one decimal. Rounded down: it never says more than was counted.
#[must_use]
pub fn short(count: u64) -> String {
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| count >= *unit) else { return count.to_string() };
    let (whole, tenths) = (count / unit, count % unit / (unit / 10));
    let mut text = whole.to_string();
    if whole < 10 && tenths > 0 {
        text.push('.');
        text.push_str(&tenths.to_string());
    }
    text + name
}

/// A count in full, its thousands set apart: `1,234,567`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
