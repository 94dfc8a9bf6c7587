//! Keys that are digests are their own hashes.

use std::hash::Hasher;

use promptmeter::counting::digest_map::DigestHasher;

fn hash(write: impl FnOnce(&mut DigestHasher)) -> u64 {
    let mut hasher = DigestHasher::default();
    write(&mut hasher);
    hasher.finish()
}

#[test]
fn a_key_is_its_own_hash() {
    for key in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
        assert_eq!(hash(|hasher| hasher.write_u64(key)), key);
        assert_eq!(hash(|hasher| hasher.write(&key.to_be_bytes())), key);
    }
}

/// What is no key of 64 bits is spread over all of them, and no byte of it is without effect.
#[test]
fn bytes_are_folded() {
    let twice = |one: u64, other: u64| [one, other].map(u64::to_be_bytes).concat();
    assert_eq!(hash(|hasher| hasher.write(&twice(0b0011, 0b0101))), 0b0110);
    assert_eq!(hash(|hasher| hasher.write(&twice(u64::MAX, 1))), u64::MAX - 1);
}
