//! Clients: what they send, how long they wait, how they send it again; and what they may be told.

use std::fmt::Write;
use std::rc::Rc;

use promptmeter::counting::merging::Pace;
use promptmeter::counting::protocol::{Command, ImportedRow, Reply};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::events::batch::Batch;
use promptmeter::events::event::ExperimentEventKind::{Conversion, Exposure, Pageview};
use promptmeter::events::fate::{Fate, answer};
use promptmeter::events::parse::parse;
use promptmeter::experiments::session::{MultiVariant, Rules};
use promptmeter::http::identity::Identity;
use promptmeter::limits::BATCH_EVENTS;
use promptmeter::time::{DAY_MS, HOUR_MS, QUARTER_MS, quarter_of};
use promptmeter::traffic::attribution::Attribution;
use uuid::Uuid;

use super::channel::within;
use super::counter;
use super::isolate::{Isolate, Tallies, prompt_id};
use super::oracle::{Ack, Oracle, Subject};
use super::rolled::definition::{EDGE_MS, EXPERIMENTS, SESSIONS, Sent, VARIANTS};
use super::world::{Answer, Failure, ISOLATES, OUTSIDE, PROMPTS, World};

/// What is answered to a request: the fates and the counts, or that it is queued.
type Answered = Option<(Vec<Fate>, Tallies)>;

/// A request that may be sent again.
struct Request {
    events: Vec<usize>,
    is_named: bool,
    is_queued: bool,
    text: String,
}

/// Starts a client.
pub(crate) fn start(world: &World) {
    world.oracle.borrow_mut().clients += 1;
    let own_world = Rc::clone(world);
    world.spawn(OUTSIDE, async move {
        for _ in 0..=own_world.random.below(5) {
            own_world.delay(own_world.random.one_of(&[0, 1, 20, 300, 2500])).await;
            match own_world.random.below(12) {
                0 | 1 => read(&own_world).await,
                2 => import(&own_world).await,
                3 => declare(&own_world),
                4 if own_world.random.once_in(200) => send_much(&own_world).await,
                _ => {
                    let request = request(&own_world);
                    send(&own_world, request).await;
                }
            }
        }
        own_world.oracle.borrow_mut().clients -= 1;
    });
}

/// Times of events: each in a quarter of its own as far as there are enough, so that it is seen which one was counted.
fn event_ms(world: &World) -> i64 {
    let events = world.oracle.borrow().planned.len() as i64;
    (quarter_of(world.now_ms.get()) - 1 - events % 64) * QUARTER_MS + world.random.below(900_000) as i64
}

fn digest_of(visitor: u64, day: i64) -> u64 {
    (visitor * 1000 + day.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn prompt_event(world: &World) -> Subject {
    let metric = world.random.one_of(&[Metric::View, Metric::View, Metric::Copy, Metric::Headless]);
    let at_ms = event_ms(world);
    let visitor = (metric == Metric::View && !world.random.once_in(4))
        .then(|| digest_of(world.random.below(3) as u64, at_ms.div_euclid(DAY_MS)));
    Subject::Prompt { prompt: world.random.below(PROMPTS), metric, at_ms, visitor }
}

fn experiment_event(world: &World) -> Subject {
    let random = &world.random;
    let kind = random.one_of(&[Pageview, Exposure, Exposure, Conversion, Conversion]);
    let measured = [None, None, Some(("revenue", Some(0.25))), Some(("revenue", Some(-2.0))), Some(("clicks", None))];
    let around_ms = (world.now_ms.get() - EDGE_MS).div_euclid(HOUR_MS) * HOUR_MS;
    let at_ms = around_ms + random.one_of(&[-2, -1, 0, 0]) * HOUR_MS + random.one_of(&[-1, 0, 0, 1, 200_000]);
    Subject::Experiment(Sent {
        experiment: EXPERIMENTS[random.below(4) / 3].0,
        session: SESSIONS[random.below(3)],
        kind,
        at_ms: at_ms.min(world.now_ms.get() - EDGE_MS),
        variant: (kind == Exposure || random.once_in(3)).then(|| random.one_of(&VARIANTS)),
        measured: if kind == Conversion { random.one_of(&measured) } else { None },
    })
}

fn request(world: &World) -> Request {
    let random = &world.random;
    let is_named = !random.once_in(4);
    let mut events: Vec<usize> = (0..=random.below(4) * random.below(2))
        .map(|_| {
            let subject = if random.once_in(3) { experiment_event(world) } else { prompt_event(world) };
            world.oracle.borrow_mut().plan(subject, is_named)
        })
        .collect();
    if is_named && random.once_in(8) {
        world.note("event twice in a request");
        events.push(events[0]);
    }
    let text = text_of(world, &events);
    Request { events, is_named, is_queued: random.once_in(4), text }
}

/// Sends more ids than a segment has.
async fn send_much(world: &World) {
    let prompt = world.random.below(PROMPTS);
    for _ in 0..3 {
        let event = |_| {
            let subject = Subject::Prompt { prompt, metric: Metric::Copy, at_ms: event_ms(world), visitor: None };
            world.oracle.borrow_mut().plan(subject, true)
        };
        let events: Vec<usize> = (0..BATCH_EVENTS).map(event).collect();
        let text = text_of(world, &events);
        send(world, Request { events, is_named: true, is_queued: false, text }).await;
    }
}

fn text_of(world: &World, events: &[usize]) -> String {
    let oracle = world.oracle.borrow();
    let mut text = "[".to_owned();
    for event in events {
        let planned = &oracle.planned[*event];
        if text.len() > 1 {
            text.push(',');
        }
        text.push('{');
        if planned.is_named {
            let _ = write!(text, r#""id":"event {event}","#);
        }
        match &planned.subject {
            Subject::Prompt { prompt, metric, at_ms, .. } => {
                let kind = if *metric == Metric::Copy { "copy" } else { "view" };
                let is_steered = if *metric == Metric::Headless { r#","webdriver":true"# } else { "" };
                let id = prompt_id(*prompt);
                let _ = write!(text, r#""type":"{kind}","prompt_id":"{id}","timestamp":{at_ms}{is_steered}}}"#);
            }
            Subject::Experiment(sent) => {
                let (kind, at_ms) = (sent.kind.name(), EDGE_MS + sent.at_ms);
                let (experiment, session) = (sent.experiment, sent.session);
                let _ = write!(
                    text,
                    r#""type":"{kind}","experiment_id":"{experiment}","session_id":"{session}","timestamp":{at_ms},"view_id":"{event}""#
                );
                if let Some(variant) = sent.variant {
                    let _ = write!(text, r#","variant_key":"{variant}""#);
                }
                match sent.measured {
                    Some((metric, Some(value))) => {
                        let _ = write!(text, r#","properties":{{"metric":"{metric}","value":{value}}}"#);
                    }
                    Some((metric, None)) => {
                        let _ = write!(text, r#","properties":{{"metric":"{metric}"}}"#);
                    }
                    None => {}
                }
                text.push('}');
            }
        }
    }
    text + "]"
}

async fn ask(world: &World, request: &Rc<Request>) -> Result<Answered, Failure> {
    let place = world.random.below(ISOLATES);
    let knows_prompts = !world.random.once_in(3);
    let own_request = Rc::clone(request);
    let arrive = move |world: &World, told: Answer<Answered>| {
        let isolate = Rc::clone(&world.isolates.borrow()[place]);
        let (own_world, request) = (Rc::clone(world), Rc::clone(&own_request));
        world.spawn(isolate.process, async move {
            let answered = handle(&own_world, &isolate, &request, knows_prompts).await;
            told.send(&own_world, answered);
        });
    };
    world.call("a request", request.is_named, arrive).await
}

/// `edge/events::post`.
async fn handle(world: &World, isolate: &Rc<Isolate>, request: &Request, knows_prompts: bool) -> Answered {
    let events = parse(&request.text).unwrap().events;
    assert!(events.iter().all(Result::is_ok), "{events:?}");
    let new_id = || Uuid::from_u128(u128::from(world.random.next()));
    let (identity, attribution) = (Identity::Anonymous, Attribution::default());
    let mut batch = Batch::admit(events, &identity, &attribution, world.now_ms.get(), new_id);
    for counting in &mut batch.counts {
        let planned = &world.oracle.borrow().planned[request.events[counting.index]];
        if let Subject::Prompt { visitor, metric, .. } = planned.subject {
            assert_eq!(counting.increment.metric, metric);
            counting.increment.visitor = visitor;
            counting.increment.source = visitor.map(|visitor| visitor % 3);
        }
    }
    if request.is_queued {
        isolate.store_later(world, batch, knows_prompts);
        return None;
    }
    let (fates, tallies) = isolate.store(world, batch, Pace::AtOnce).await;
    for (event, fate) in request.events.iter().zip(&fates) {
        if *fate == Fate::Accepted {
            world.oracle.borrow_mut().note_accepted(*event);
        }
    }
    Some((fates, tallies))
}

/// Sends a request until it is answered; one without ids once.
async fn send(world: &World, request: Request) {
    let request = Rc::new(request);
    loop {
        for event in &request.events {
            world.oracle.borrow_mut().note_sent(*event);
        }
        let before = Before::of(&world.oracle.borrow());
        let patience_ms = world.random.one_of(&[30, 400, 5000, 40_000, 40_000]);
        match within(world, patience_ms, ask(world, &request)).await {
            Some(Ok(Some((fates, tallies)))) => {
                let is_over = hear(world, &request, &fates);
                check_told(world, &request, &fates, &before, &tallies);
                if is_over || !request.is_named {
                    return;
                }
                world.note("client sent again what was not stored");
            }
            Some(Ok(None)) => {
                world.note("request queued");
                for event in &request.events {
                    world.oracle.borrow_mut().note_told(*event, Ack::Queued);
                }
                return;
            }
            Some(Err(_)) => world.note("client was cut off"),
            None => world.note("client waited in vain"),
        }
        if !request.is_named {
            return;
        }
        world.delay(world.random.one_of(&[0, 10, 1000])).await;
    }
}

/// Notes what was told; whether all is stored.
fn hear(world: &World, request: &Request, fates: &[Fate]) -> bool {
    assert_eq!(fates.len(), request.events.len());
    if let Ok(told) = answer(fates.to_vec()) {
        let dropped = fates.iter().filter(|fate| matches!(fate, Fate::Dropped(_))).count();
        assert_eq!(told.accepted + told.duplicates + told.rejected.len() + dropped, fates.len());
    }
    for (event, fate) in request.events.iter().zip(fates) {
        match fate {
            Fate::Accepted | Fate::Duplicate | Fate::Dropped(_) => {
                world.note("event acknowledged");
                world.oracle.borrow_mut().note_told(*event, Ack::Durable);
            }
            other => assert!(other.is_storage_failure(), "{other:?}"),
        }
    }
    !fates.iter().any(Fate::is_storage_failure)
}

/// What was right when a request was sent.
struct Before {
    acknowledged: [Tally; PROMPTS],
    spread_with: [Option<Tally>; PROMPTS],
}

impl Before {
    fn of(oracle: &Oracle) -> Self {
        Self { acknowledged: oracle.acknowledged, spread_with: oracle.spread_with }
    }
}

/// Counts that are told lie between what was acknowledged before and what was sent; and of a counter that was never spread
/// no two views are told the same.
fn check_told(world: &World, request: &Request, fates: &[Fate], before: &Before, tallies: &Tallies) {
    let mut oracle = world.oracle.borrow_mut();
    for (prompt, tally) in tallies {
        if oracle.spread_with[*prompt].is_some() {
            if tally.views > oracle.attempted[*prompt].views {
                world.note("a spread counter told more than was sent");
            }
            for metric in [Metric::View, Metric::Copy, Metric::Headless] {
                let least = before.spread_with[*prompt].unwrap_or_default().count(metric);
                let told = tally.count(metric);
                assert!(told >= least, "{metric:?} of prompt {prompt}: {told}, less than {least} when it was spread");
            }
            continue;
        }
        for metric in [Metric::View, Metric::Copy, Metric::Headless] {
            let (least, most) = (before.acknowledged[*prompt].count(metric), oracle.attempted[*prompt].count(metric));
            let told = tally.count(metric);
            assert!((least..=most).contains(&told), "{metric:?} of prompt {prompt}: {told}, not {least} to {most}");
        }
        let is_view =
            |event: usize| matches!(oracle.planned[event].subject, Subject::Prompt { metric: Metric::View, .. });
        if request.is_named && fates == [Fate::Accepted] && is_view(request.events[0]) {
            let is_first = oracle.told_views.insert((*prompt, tally.views));
            assert!(is_first, "two views of prompt {prompt} were told to be number {}", tally.views);
        }
    }
}

/// Reads counts; what was acknowledged before is among them.
async fn read(world: &World) {
    let prompt = world.random.below(PROMPTS);
    let before = world.oracle.borrow().acknowledged[prompt];
    if let Ok(Reply::Read { tally, unique_visitors }) = counter::ask(world, prompt, Command::Read).await {
        world.note("counts read");
        let oracle = world.oracle.borrow();
        for metric in [Metric::View, Metric::Copy, Metric::Headless] {
            let (least, most) = (before.count(metric), oracle.attempted[prompt].count(metric));
            let told = tally.count(metric);
            assert!(
                (least..=most).contains(&told),
                "read {metric:?} of prompt {prompt}: {told}, not {least} to {most}"
            );
        }
        assert!(unique_visitors <= tally.visits && tally.visits <= tally.views);
    }
}

/// Imports rows until that is told to be done.
async fn import(world: &World) {
    let prompt = world.random.below(PROMPTS);
    let events: Vec<usize> = (0..=world.random.below(3))
        .map(|_| {
            let subject = Subject::Prompt { prompt, metric: Metric::View, at_ms: event_ms(world), visitor: None };
            world.oracle.borrow_mut().plan(subject, true)
        })
        .collect();
    let rows: Vec<ImportedRow> = events
        .iter()
        .map(|event| {
            world.oracle.borrow_mut().note_sent(*event);
            let Subject::Prompt { metric, at_ms, .. } = world.oracle.borrow().planned[*event].subject else { panic!() };
            ImportedRow { key: *event as u64, metric, at_ms }
        })
        .collect();
    loop {
        let command = Command::Import { prompt_id: prompt_id(prompt), rows: rows.clone() };
        if let Some(Ok(Reply::Imported { .. })) = within(world, 8000, counter::ask(world, prompt, command)).await {
            world.note("rows imported");
            for event in &events {
                world.oracle.borrow_mut().note_told(*event, Ack::Durable);
            }
            return;
        }
        world.delay(100).await;
    }
}

/// Declares other rules of an experiment.
fn declare(world: &World) {
    world.note("rules declared");
    let (experiment, _) = world.random.one_of(&EXPERIMENTS);
    let multi_variant = world.random.one_of(&[MultiVariant::Exclude, MultiVariant::First]);
    let conversion_window_hours = world.random.one_of(&[None, Some(1), Some(24)]);
    world.database.borrow_mut().declared.insert(experiment, Rules { multi_variant, conversion_window_hours });
}

/// Sends every event that was acknowledged once more: all are known.
pub(crate) async fn send_all_again(world: &World) {
    let events: Vec<usize> = {
        let oracle = world.oracle.borrow();
        let is_known = |event: &usize| {
            let planned = &oracle.planned[*event];
            // Rows that were imported have no id that an event could have.
            planned.is_named && planned.told == Some(Ack::Durable) && planned.accepted > 0
        };
        (0..oracle.planned.len()).filter(is_known).collect()
    };
    for events in events.chunks(100) {
        let text = text_of(world, events);
        let request = Request { events: events.to_vec(), is_named: true, is_queued: false, text };
        let isolate = Rc::clone(&world.isolates.borrow()[0]);
        let Some((fates, _)) = handle(world, &isolate, &request, true).await else { return };
        assert!(fates.iter().all(|fate| *fate == Fate::Duplicate), "known events are told to be {fates:?}");
    }
}
