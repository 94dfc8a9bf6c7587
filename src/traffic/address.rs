//! The part of an address that stands for whoever has it.

use crate::sql::hex::hex;

/// The part of an address that one sender cannot change at will: all of an IPv4 address, the first 64 bits of an IPv6
/// address, which are its network's (RFC 4291, 2.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPrefix {
    /// The address is not known.
    Unknown,
    /// An IPv4 address, also one that is written as IPv6 (`::ffff:192.0.2.1`).
    V4([u8; 4]),
    /// The first half of an IPv6 address.
    V6([u8; 8]),
}

impl AddressPrefix {
    /// The prefix of an address in its text form; [`Self::Unknown`] for what is none.
    #[must_use]
    pub fn of(address: Option<&str>) -> Self {
        let address = address.unwrap_or_default();
        let prefix = if address.contains(':') { v6(address) } else { v4(address).map(Self::V4) };
        prefix.unwrap_or(Self::Unknown)
    }

    /// A text that no other prefix has.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::V4(octets) => hex(&octets),
            Self::V6(octets) => hex(&octets),
        }
    }
}

/// What an IPv4 address has before it where it is written as IPv6.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

// The standard library's parser would weigh 4 KB in the worker.

fn v4(text: &str) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(number(parts.next()?, 10, 3)?).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

fn v6(text: &str) -> Option<AddressPrefix> {
    let (front, back) = text.split_once("::").map_or((text, None), |(front, back)| (front, Some(back)));
    let mut octets = groups(front)?;
    if let Some(back) = back {
        let back = groups(back)?;
        let zeros = 14usize.checked_sub(octets.len() + back.len())? + 2;
        octets.extend(std::iter::repeat_n(0, zeros));
        octets.extend(back);
    }
    let octets = octets.as_array::<16>()?;
    match octets.strip_prefix(&MAPPED).and_then(|rest| rest.as_array()) {
        Some(mapped) => Some(AddressPrefix::V4(*mapped)),
        None => octets.first_chunk().copied().map(AddressPrefix::V6),
    }
}

/// The octets of groups with colons between them, of which the last may be an IPv4 address.
fn groups(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next().filter(|_| !text.is_empty()) {
        if parts.peek().is_none() && part.contains('.') {
            octets.extend(v4(part)?);
        } else {
            octets.extend(number(part, 16, 4)?.to_be_bytes());
        }
    }
    Some(octets)
}

fn number(digits: &str, radix: u32, longest: usize) -> Option<u16> {
    let is_written = (1..=longest).contains(&digits.len()) && !digits.starts_with('+');
    is_written.then(|| u16::from_str_radix(digits, radix).ok()).flatten()
}
