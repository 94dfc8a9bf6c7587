//! Who a visitor was, as a number that tells one from another and nothing else.

use std::cell::OnceCell;

use sha2::{Digest, Sha256};

use super::address::AddressPrefix;
use super::salts::Salts;
use super::sender::Sender;
use crate::time::DAY_MS;

/// What is digested; the first byte behind the salt.
#[derive(Clone, Copy)]
enum Subject {
    Visitor = 1,
    NamedVisitor = 2,
    Source = 3,
    NamedSource = 4,
}

/// The digests of a request's sender.
pub struct Digests {
    salts: Salts,
    sender: Sender,
    /// The sender's own, of today and of the day before: all events of a request have the same.
    own: [OnceCell<Origin>; 2],
}

/// Whose event it was, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The visitor.
    pub visitor: u64,
    /// What can be retracted together.
    pub source: u64,
}

/// The digests of one source today and yesterday: of an address prefix, or of a name that replaces it.
#[must_use]
pub fn sources(salts: Salts, address: AddressPrefix, name: Option<&str>) -> [u64; 2] {
    let digests = Digests::of(Sender { address, agent: String::new(), is_ahead: false, objects: false }, salts);
    [salts.today, salts.today - 1].map(|day| digests.at(day * DAY_MS, name).source)
}

impl Digests {
    /// The digests of `sender` under these salts.
    #[must_use]
    pub fn of(sender: Sender, salts: Salts) -> Self {
        Self { salts, sender, own: Default::default() }
    }

    /// The origin of an event of this time: a visitor is told by the address prefix and the user agent, a source by the
    /// address prefix. A `name` replaces both.
    #[must_use]
    pub fn at(&self, at_ms: i64, name: Option<&str>) -> Origin {
        let digest = |subject, parts: [&str; 2]| self.digest(at_ms, subject, parts);
        if let Some(name) = name {
            return Origin {
                visitor: digest(Subject::NamedVisitor, [name, ""]),
                source: digest(Subject::NamedSource, [name, ""]),
            };
        }
        let [of_today, of_yesterday] = &self.own;
        let own = if self.salts.has_today(at_ms) { of_today } else { of_yesterday };
        *own.get_or_init(|| {
            let address = self.sender.address.key();
            Origin {
                visitor: digest(Subject::Visitor, [&address, &self.sender.agent]),
                source: digest(Subject::Source, [&address, ""]),
            }
        })
    }

    fn digest(&self, at_ms: i64, subject: Subject, parts: [&str; 2]) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.salts.at(at_ms));
        hash.update([subject as u8]);
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0xff]); // never part of UTF-8, so that no two texts run together
        }
        hash.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
