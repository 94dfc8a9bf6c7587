//! Bytes that hold numbers in little room, as stored rows have them.
//!
//! Whole numbers are LEB128: seven bits a byte, the lowest first, with the eighth bit set on all but the last. None is
//! negative.

/// Bytes that are written, or what is left of bytes that are read.
#[derive(Debug)]
pub struct Packed<Bytes>(pub Bytes);

impl Packed<Vec<u8>> {
    /// Adds a number from 0 on.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits are a byte")]
    pub fn number(&mut self, number: i64) {
        let mut rest = number.unsigned_abs();
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    /// Adds how many of something follow.
    pub fn length(&mut self, length: usize) {
        self.number(i64::try_from(length).unwrap_or(i64::MAX));
    }
}

impl<'a> Packed<&'a [u8]> {
    /// The next bytes; `None` when there are not as many.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next number; `None` when the bytes end in it, or it has more than 63 bits.
    pub fn take_number(&mut self) -> Option<i64> {
        let mut number = 0_i64;
        for shift in (0..63).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// The next number as a length.
    pub fn take_length(&mut self) -> Option<usize> {
        usize::try_from(self.take_number()?).ok()
    }
}
