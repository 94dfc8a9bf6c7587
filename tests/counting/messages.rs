//! What workers and objects say to each other, byte for byte: while a new build comes, an old one may listen.

use std::fmt::{Debug, Write};

use promptmeter::counting::carried::{self, Piece, Taken, Whole};
use promptmeter::counting::protocol::{
    self as counter, Audit, Delivery, IdDigest, ImportedRow, Increment, Outcome, Told,
};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::data::prompt::PromptAccess;
use promptmeter::live::listener::Listen;
use promptmeter::recording::protocol::{self as recorder, Entry};
use promptmeter::sharding::placement::{Place, Spread};
use promptmeter::sharding::protocol::{self as shard, Pull, Pulled, object_name};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

const PROMPT: Uuid = Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
const ID: IdDigest = IdDigest { key: u64::MAX, payload: u32::MAX };
const PLACE: Place = Place { epoch: 3, shard: 5 };

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &str) {
    let bytes = postcard::to_allocvec(value).unwrap();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    assert_eq!(hex, expected.replace([' ', '\n'], ""), "{value:?}");
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), value);
    for length in 0..bytes.len() {
        assert!(postcard::from_bytes::<T>(&bytes[..length]).is_err(), "{length} bytes of {value:?}");
    }
}

fn increments() -> Vec<Increment> {
    vec![
        Increment::of(Metric::View, 1_800_000_000_000, None),
        Increment::of(Metric::Prefetch, -1, Some(ID)),
        Increment { visitor: Some(1), source: Some(2), ..Increment::of(Metric::Copy, 0, None) },
    ]
}

fn tally() -> Tally {
    Tally { views: 300, copies: 2, forks: 3, compares: 4, visits: 5, bots: 6, headless: 7, prefetches: 8 }
}

#[test]
fn commands_of_a_counter() {
    use counter::Command;
    assert_eq!(counter::BINDING, "COUNTERS");
    let delivery = Delivery { id: 7, increments: increments() };
    check(
        &Command::Count { prompt_id: PROMPT, delivery },
        "00100123456789ab7def8123456789abcdef07030080c0e285e368000000070101ffffffffffffffffff01ffffffff0f000001000001010102",
    );
    let rows = vec![ImportedRow { key: 1, metric: Metric::Copy, at_ms: 2 }];
    check(&Command::Import { prompt_id: PROMPT, rows }, "01100123456789ab7def8123456789abcdef01010104");
    check(&Command::Retract { sources: vec![0, 1] }, "02020001");
    check(&Command::HandOver { place: PLACE, from: 200 }, "030305c801");
    check(&Command::Read, "04");
    check(&Command::Between { bounds: vec![-1, 0, 1_983_333] }, "05030100ca8df201");
    check(&Command::Audit, "06");
    let prompt = PromptAccess { id: PROMPT, owner: PROMPT, is_public: true, is_active: false };
    check(
        &Command::Listen(Listen { prompt, last_event_id: Some("0-1".to_owned()) }),
        "07 100123456789ab7def8123456789abcdef 100123456789ab7def8123456789abcdef 0100 0103302d31",
    );
    check(&Command::Carry { segments: 64 }, "0840");
    check(&Command::CarryImported { after: Some(-1) }, "090101");
    let whole = Whole { tally: tally(), visitors: vec![1], retracted_visitors: 9, days: 1, ids: 1, imported: 1 };
    let pieces = vec![
        (7, Piece::Day { number: -1, counts: vec![8] }),
        (7, Piece::Ids { number: 2, newest_ms: 3, entries: vec![4] }),
        (7, Piece::Imported(vec![5])),
        (7, Piece::Whole(whole)),
    ];
    check(
        &Command::Take { prompt_id: PROMPT, pieces },
        "0a 100123456789ab7def8123456789abcdef 04 07 00010108 07 0102060104 07 020105 \
        07 03ac0202030405060708 0101 09 01 01 01",
    );
    check(&Command::CarryIds { from: 1, before: 200 }, "0b01c801");
}

#[test]
fn replies_of_a_counter() {
    use counter::Reply;
    let outcomes = vec![Outcome::Counted, Outcome::Repeated, Outcome::Conflicting];
    check(&Reply::Counted(Told { tally: tally(), outcomes }), "00ac020203040506070803000102");
    check(&Reply::Elsewhere(None), "0100");
    check(&Reply::Elsewhere(Some(Spread { epoch: 1, shards: 2 })), "01010102");
    check(
        &Reply::HandedOver { segments: vec![(9, vec![ID])], total: Tally::default(), next: Some(200) },
        "02011201ffffffffffffffffff01ffffffff0f000000000000000001c801",
    );
    check(&Reply::Imported { counted: 1282 }, "03820a");
    check(&Reply::Retracted { tally: tally(), unique_visitors: 1 }, "04ac020203040506070801");
    check(&Reply::Read { tally: tally(), unique_visitors: 3 }, "05ac020203040506070803");
    check(&Reply::Between { sums: vec![(0, tally())] }, "060100ac0202030405060708");
    let audit =
        Audit { tally: tally(), version: 7, unique_visitors: 2, snapshots_ms: [None, Some(9)], ..Audit::default() };
    check(&Reply::Audited(audit), "07ac02020304050607080702000000000000000000 0112");
    let pieces = vec![Piece::Imported(vec![5])];
    check(&Reply::Carried { version: 7, pieces }, "08 07 01 020105");
    check(&Reply::CarriedImported { keys: vec![0, 255] }, "09 0200ff");
    let told = carried::Told { tally: tally(), unique_visitors: 2, version: 7, standings: "[]".to_owned() };
    let taken = vec![Taken::Stored, Taken::Repeated, Taken::Refused, Taken::Incomplete];
    check(&Reply::Taken { taken, told: Some(told) }, "0a 0400010203 01 ac0202030405060708 02 07 025b5d");
    let pieces = vec![Piece::Ids { number: 2, newest_ms: 3, entries: vec![4] }];
    check(&Reply::CarriedIds { pieces }, "0b 01 0102060104");
}

#[test]
fn commands_and_replies_of_a_shard() {
    use shard::{Command, Reply};
    assert_eq!(shard::BINDING, "SHARDS");
    assert_eq!(object_name(PROMPT, 5), "01234567-89ab-7def-8123-456789abcdef/5");
    let delivery = Delivery { id: 7, increments: Vec::new() };
    check(
        &Command::Count { prompt_id: PROMPT, place: PLACE, delivery },
        "00100123456789ab7def8123456789abcdef03050700",
    );
    let pull = Pull { epoch: 1, through: 2, total: tally(), closes: true, ids_from: 200, most_ids: 2 };
    check(&Command::Pull(pull), "010102ac020203040506070801c80102");
    check(&Command::Clear { epoch: 1 }, "0201");
    check(&Reply::Counted(Told::default()), "00000000000000000000");
    check(&Reply::Elsewhere(Some(Spread { epoch: 1, shards: 2 })), "01010102");
    let (ids, ids_left) = (vec![ID], Some(200));
    let pulled = Pulled { through: 1, increments: increments(), is_partial: true, commands: 300, ids, ids_left };
    check(
        &Reply::Pulled(pulled),
        "0201030080c0e285e368000000070101ffffffffffffffffff01ffffffff0f00000100000101010201ac0201ffffffffffffffffff01ffffffff0f01c801",
    );
    check(&Reply::Cleared, "03");
}

#[test]
fn what_a_shard_stores() {
    check(&increments(), "030080c0e285e368000000070101ffffffffffffffffff01ffffffff0f000001000001010102");
}

#[test]
fn commands_and_replies_of_a_recorder() {
    use recorder::{Command, Outcome, Reply};
    assert_eq!(recorder::BINDING, "RECORDERS");
    check(&Command::Redeclared, "01");
    let row = r#"[null,0,"s",null,7]"#.to_owned();
    let plain = Entry { id: None, variant_key: None, metric: None, row: row.clone() };
    let full = Entry { id: Some(ID), variant_key: Some("red".to_owned()), metric: Some("m".to_owned()), row };
    let events = vec![plain, full];
    check(
        &Command::Record(recorder::Delivery { experiment_id: "é".to_owned(), events, rejected: 1, id: None }),
        "0002c3a902000000135b6e756c6c2c302c2273222c6e756c6c2c375d01ffffffffffffffffff01ffffffff0f010372656401016d135b6e756c6c2c302c2273222c6e756c6c2c375d01",
    );
    check(
        &Command::RecordOnce(
            300,
            recorder::Delivery { experiment_id: "é".to_owned(), events: Vec::new(), rejected: 1, id: None },
        ),
        "02ac0202c3a90001",
    );
    check(&Reply::Noted, "01");
    check(
        &Reply::Recorded(vec![
            Outcome::Recorded,
            Outcome::Repeated,
            Outcome::Conflicting,
            Outcome::UnknownVariant,
            Outcome::TooManyMetrics,
            Outcome::TooManyVariants,
            Outcome::Over,
        ]),
        "000700010203050406",
    );
}
