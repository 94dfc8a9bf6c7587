//! Bytes as hexadecimal digits.

use promptmeter::sql::hex::{hex, unhex};
use proptest::prelude::*;

#[test]
fn digits_are_two_a_byte() {
    for (bytes, digits) in [(&[][..], ""), (&[0], "00"), (&[0x0a, 0xf0, 0xff], "0af0ff")] {
        assert_eq!(hex(bytes), digits);
        assert_eq!(unhex(&digits.to_uppercase()).as_deref(), Some(bytes));
    }
    for text in ["0", "000", "0g", "é", " 00", "+1"] {
        assert_eq!(unhex(text), None, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(bytes: Vec<u8>) {
        prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
    }
}
