//! Live counts: the events of a stream, and what is due to one who listens.

use promptmeter::counting::tally::Tally;
use promptmeter::data::prompt::PromptAccess;
use promptmeter::live::counts::LiveCounts;
use promptmeter::live::listener::{Due, HEARTBEAT_MS, LOOK_MS, Listen, Listener};
use uuid::Uuid;

const PROMPT: PromptAccess =
    PromptAccess { id: Uuid::from_u128(7), owner: Uuid::from_u128(8), is_public: true, is_active: true };
const NOW_MS: i64 = 1_800_000_000_000;
const MINUTE_MS: i64 = 60_000;

fn views(views: u64) -> LiveCounts {
    LiveCounts::of(&Tally { views, ..Tally::default() }, 0)
}

fn begin(last_event_id: Option<&str>, counts: LiveCounts, random: u64) -> (Listener, String) {
    let listen = Listen { prompt: PROMPT, last_event_id: last_event_id.map(str::to_owned) };
    Listener::begin(listen, counts, NOW_MS, random)
}

#[test]
fn an_event_tells_the_counts_and_names_them() {
    let tally = Tally { views: 1, copies: 2, forks: 3, compares: 4, visits: 5, bots: 6, headless: 7, prefetches: 8 };
    let counts = LiveCounts::of(&tally, 9);
    assert_eq!(
        counts.event(PROMPT.id),
        "id: 1-2-3-4-5-9\ndata: {\"promptId\":\"00000000-0000-0000-0000-000000000007\",\"viewCount\":1,\"copyCount\":2,\
            \"forkCount\":3,\"compareCount\":4,\"visitCount\":5,\"uniqueVisitors\":9}\n\n"
    );
    assert_eq!(LiveCounts::of(&Tally { bots: 60, ..tally }, 9), counts, "robots are nothing that is told");
    assert_ne!(LiveCounts::of(&tally, 10).id(), counts.id());
}

#[test]
fn a_stream_begins_with_the_counts_unless_they_are_known() {
    for (last_event_id, random, expected) in [
        (None, 0, format!("retry: 2000\n{}", views(3).event(PROMPT.id))),
        (Some("2-0-0-0-0-0"), 2999, format!("retry: 4999\n{}", views(3).event(PROMPT.id))),
        (Some("3-0-0-0-0-0"), 3000, "retry: 2000\n\n".to_owned()),
        (Some(""), u64::MAX, format!("retry: {}\n{}", 2000 + u64::MAX % 3000, views(3).event(PROMPT.id))),
    ] {
        assert_eq!(begin(last_event_id, views(3), random).1, expected, "{last_event_id:?}");
    }
}

#[test]
fn counts_are_told_once_and_at_most_once_a_second() {
    let (mut listener, _) = begin(None, views(3), 0);
    for (at_ms, counts, expected) in [
        (200, 3, None),
        (300, 4, None),
        (1300, 4, Some(Due::Counts)),
        (2300, 4, None),
        (2310, 5, Some(Due::Counts)),
        (2320, 6, None),
        // A timer that rings a little early, and one that rings late.
        (3302, 6, Some(Due::Counts)),
        (17_000, 6, None),
        (3302 + HEARTBEAT_MS, 6, Some(Due::Heartbeat)),
        (3302 + HEARTBEAT_MS + LOOK_MS, 6, None),
        // What is taken back is a change, too.
        (3302 + HEARTBEAT_MS + LOOK_MS, 2, Some(Due::Counts)),
        (3302 + HEARTBEAT_MS + LOOK_MS + HEARTBEAT_MS, 2, Some(Due::Heartbeat)),
    ] {
        let now_ms = NOW_MS + at_ms;
        let due = listener.due(&views(counts), now_ms);
        assert_eq!(due, expected, "after {at_ms} ms");
        if let Some(due) = due {
            listener.note(due, &views(counts), now_ms);
        }
    }
}

#[test]
fn who_does_not_read_is_told_the_latest_later_or_never() {
    let (mut listener, _) = begin(None, views(0), 0);
    for looks in 1..60 {
        let now_ms = NOW_MS + looks * LOOK_MS;
        assert_eq!(listener.due(&views(looks.unsigned_abs()), now_ms), Some(Due::Counts), "look {looks}");
    }
    assert_eq!(listener.due(&views(60), NOW_MS + MINUTE_MS), Some(Due::End));
    listener.note(Due::Counts, &views(59), NOW_MS + 59_000);
    assert_eq!(listener.due(&views(60), NOW_MS + MINUTE_MS), Some(Due::Counts));
}

#[test]
fn a_stream_ends_within_a_quarter_of_an_hour() {
    for random in [0, 1, 119_999, 120_000, u64::MAX] {
        let (mut listener, _) = begin(None, views(0), random);
        let ends_ms = (0..10_000).map(|looks| NOW_MS + looks * LOOK_MS).find(|now_ms| {
            let due = listener.due(&views(0), *now_ms);
            if due == Some(Due::Heartbeat) {
                listener.note(Due::Heartbeat, &views(0), *now_ms);
            }
            due == Some(Due::End)
        });
        let life_ms = ends_ms.unwrap() - NOW_MS;
        assert!((13 * MINUTE_MS..=15 * MINUTE_MS).contains(&life_ms), "{life_ms}");
    }
    let lives = [0, 60_000].map(|random| begin(None, views(0), random).0);
    assert_ne!(lives[0], lives[1], "not all end together");
}

#[test]
fn a_stream_is_for_a_prompt_as_it_was() {
    let (listener, _) = begin(None, views(0), 0);
    for (prompt, expected) in [
        (Some(PROMPT), true),
        (Some(PromptAccess { is_public: false, ..PROMPT }), false),
        (Some(PromptAccess { is_active: false, ..PROMPT }), false),
        (Some(PromptAccess { owner: Uuid::from_u128(9), ..PROMPT }), false),
        (None, false),
    ] {
        assert_eq!(listener.still_sees(prompt.as_ref()), expected, "{prompt:?}");
    }
}
