//! The tables of a counter and of a shard, as the statements of `edge/counter_storage`, `day_storage`, `segment_storage` and
//! `shard_storage` leave them; and a disk that has them.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::rc::Rc;

use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::day::Day;
use promptmeter::counting::day_change::{ChangedDay, DayChange};
use promptmeter::counting::ledger::{Bounds, Ledger, Recalled};
use promptmeter::counting::protocol::{ImportedRow, Increment};
use promptmeter::counting::segment::{LedgerChange, Segment};
use promptmeter::counting::sources::{SourcedDay, Sources};
use promptmeter::counting::tally::Tally;
use promptmeter::counting::visitors::Visitors;
use promptmeter::counting::visits::{Visits, WINDOW_MS};
use promptmeter::sharding::shard::{Batch, Shard};
use promptmeter::sharding::standing::Standing;
use promptmeter::time::DAY_MS;

use super::channel::{Sender, channel};
use super::world::{Defect, Failure, World};

/// What an object wrote, and how much of it would survive a crash.
pub(crate) struct Disk<T> {
    written: RefCell<Rc<T>>,
    durable: RefCell<Rc<T>>,
    waiting: RefCell<Vec<Sender<()>>>,
    is_dirty: Cell<bool>,
}

impl<T: Clone> Disk<T> {
    pub(crate) fn of(tables: Rc<T>) -> Self {
        let (written, durable) = (RefCell::new(Rc::clone(&tables)), RefCell::new(tables));
        Self { written, durable, waiting: RefCell::default(), is_dirty: Cell::new(false) }
    }

    pub(crate) fn read(&self) -> Ref<'_, T> {
        Ref::map(self.written.borrow(), |tables| &**tables)
    }

    pub(crate) fn durable(&self) -> Rc<T> {
        Rc::clone(&self.durable.borrow())
    }

    /// One transaction.
    pub(crate) fn write(&self, world: &World, act: impl FnOnce(&mut T)) -> Result<(), Failure> {
        if world.writes_to_fail.get() > 0 {
            world.writes_to_fail.set(world.writes_to_fail.get() - 1);
            return Err("the write failed");
        }
        act(Rc::make_mut(&mut self.written.borrow_mut()));
        self.is_dirty.set(true);
        Ok(())
    }

    /// Sets an alarm, with what else was written in this turn. It fails where the whole object does.
    pub(crate) fn write_alarm(&self, act: impl FnOnce(&mut T)) {
        act(Rc::make_mut(&mut self.written.borrow_mut()));
        self.is_dirty.set(true);
    }

    /// What the platform itself notes.
    pub(crate) fn write_through(&self, act: impl Fn(&mut T)) {
        act(Rc::make_mut(&mut self.written.borrow_mut()));
        act(Rc::make_mut(&mut self.durable.borrow_mut()));
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty.get()
    }

    pub(crate) fn flush(&self) {
        self.durable.replace(Rc::clone(&self.written.borrow()));
        self.is_dirty.set(false);
        for sender in self.waiting.take() {
            sender.send(());
        }
    }

    /// Waits until what was written so far is durable. Nothing leaves an object before.
    pub(crate) async fn flushed(&self, world: &World) {
        if self.is_dirty.get() && !world.has(Defect::AnswersBeforeItIsStored) {
            let (sender, receiver) = channel(world);
            self.waiting.borrow_mut().push(sender);
            receiver.await;
        }
    }

    /// What the next instance finds.
    pub(crate) fn end(&self, crashes: bool) -> Rc<T> {
        if crashes { self.durable() } else { Rc::clone(&self.written.borrow()) }
    }
}

/// A few ids fill a segment, and hardly any is whole in memory.
const BOUNDS: Bounds = Bounds { whole: 5, segment: 3, ..Bounds::COUNTER };
/// Ids that are told at once.
pub(crate) const IDS_AT_ONCE: usize = 2;

/// As it is stored.
type Packed = Rc<[u8]>;

/// Segments of one kind: number, newest instant, entries. The one that is being filled is the last.
#[derive(Clone, Default)]
pub(crate) struct Segments(BTreeMap<u64, (i64, Packed)>);

impl Segments {
    fn store(&mut self, change: &LedgerChange) {
        for segment in &change.written {
            self.0.insert(segment.number, (segment.newest_ms, segment.pack().into()));
        }
        for number in &change.expired {
            assert!(self.0.remove(number).is_some(), "segment {number} is not stored");
        }
    }

    fn restore(&self, keep: impl FnMut(Segment)) {
        self.0.iter().map(|(number, (newest_ms, packed))| Segment::unpack(*number, *newest_ms, packed)).for_each(keep);
    }

    /// Gives the segments from a number on, as long as more are wanted.
    pub(crate) fn give_from(&self, number: u64, mut take: impl FnMut(&Segment) -> bool) {
        let segments = self.0.range(number..);
        let _ = segments
            .map(|(number, (newest_ms, packed))| Segment::unpack(*number, *newest_ms, packed))
            .all(|segment| take(&segment));
    }

    /// Recalls ids; there is a defect that recalls none.
    pub(crate) fn recall(&self, world: &World, ledger: &Ledger, keys: impl Iterator<Item = u64>) -> Recalled {
        let read = |number| {
            world.note("segment of ids looked into");
            let (newest_ms, packed) = self.0.get(&number).filter(|_| !world.has(Defect::RecallsNoIds))?;
            Some(Segment::unpack(number, *newest_ms, packed))
        };
        ledger.recall(keys, |number| Ok::<_, Infallible>(read(number))).unwrap()
    }
}

/// The tables of a counter.
#[derive(Clone, Default)]
pub(crate) struct CounterTables {
    pub(crate) tally: Tally,
    pub(crate) version: u64,
    visitors: Option<Packed>,
    /// Its number, counts and sources.
    open_day: Option<(i64, Packed, Packed)>,
    /// Counts and sources, by number.
    daily: BTreeMap<i64, (Packed, Option<Packed>)>,
    pub(crate) ids: Segments,
    visits: Segments,
    imported: BTreeSet<u64>,
    pub(crate) standing: Standing,
    /// When the platform is to ring.
    pub(crate) alarm_ms: Option<i64>,
}

impl CounterTables {
    pub(crate) fn restore(&self) -> Counter {
        let mut counter = Counter {
            tally: self.tally,
            version: self.version,
            ledger: Ledger::within(BOUNDS, 0),
            visits: Visits::within(WINDOW_MS, 0),
            visitors: self.visitors.as_ref().map(|packed| Visitors::unpack(packed).unwrap()).unwrap_or_default(),
            open_day: self.open_day(),
            ..Counter::default()
        };
        self.ids.restore(|segment| counter.ledger.restore(segment));
        self.visits.restore(|segment| counter.visits.restore(segment));
        counter
    }

    pub(crate) fn not_imported(&self, rows: &[ImportedRow]) -> Vec<ImportedRow> {
        let mut seen = BTreeSet::new();
        rows.iter().filter(|row| !self.imported.contains(&row.key) && seen.insert(row.key)).copied().collect()
    }

    pub(crate) fn store(&mut self, world: &World, commit: &Commit, days: &DayChange, imported: &[ImportedRow]) {
        assert_eq!(commit.version, self.version + 1, "a commit on top of another one");
        (self.tally, self.version) = (commit.tally, commit.version);
        if let Some(visitors) = &commit.visitors {
            self.visitors = Some(visitors.pack().into());
        }
        if commit.days.len() > 1 && days.sources_since.is_some() {
            world.note("day opened beside an earlier one");
        }
        self.store_days(days);
        if commit.ledger.written.len() > 1 {
            world.note("segment of ids filled");
        }
        if !world.has(Defect::StoresNoIds) {
            self.ids.store(&commit.ledger);
        }
        self.visits.store(&commit.visits);
        self.imported.extend(imported.iter().map(|row| row.key));
    }

    /// What a commit of this counter changes in the days.
    pub(crate) fn day_change(&self, world: &World, counter: &Counter, commit: &Commit) -> DayChange {
        let today = world.now_ms.get().div_euclid(DAY_MS);
        let change = DayChange::of(counter.open_day.as_ref(), &commit.days, today, |number| {
            let row = self.daily.get(&number).map(|(counts, sources)| {
                let sources = sources.as_ref().map(|packed| Sources::unpack(packed).unwrap()).unwrap_or_default();
                SourcedDay { number, counts: Day::unpack(counts).unwrap(), sources }
            });
            Ok::<_, Infallible>(row)
        });
        change.unwrap()
    }

    fn store_days(&mut self, change: &DayChange) {
        for number in &change.deleted {
            assert!(self.daily.remove(number).is_some(), "day {number} has no row");
        }
        for changed in &change.written {
            self.write_day(&changed.day, changed.with_sources);
        }
        if let Some(since) = change.sources_since {
            self.daily.range_mut(..since).for_each(|(_, (_, sources))| *sources = None);
        }
        if let Some(ChangedDay { day, with_sources }) = &change.open {
            let before = self.open_day.take().map(|(_, _, sources)| sources);
            let sources = if *with_sources { day.sources.pack().into() } else { before.unwrap() };
            self.open_day = Some((day.number, day.counts.pack().into(), sources));
        }
    }

    fn open_day(&self) -> Option<SourcedDay> {
        self.open_day.as_ref().map(|(number, counts, sources)| SourcedDay {
            number: *number,
            counts: Day::unpack(counts).unwrap(),
            sources: Sources::unpack(sources).unwrap(),
        })
    }

    fn write_day(&mut self, day: &SourcedDay, with_sources: bool) {
        let row = self.daily.entry(day.number).or_insert_with(|| ([].into(), None));
        row.0 = day.counts.pack().into();
        if with_sources {
            row.1 = Some(day.sources.pack().into());
        }
    }

    /// All days, in ascending order.
    pub(crate) fn days(&self) -> Vec<(i64, Day)> {
        let mut days: Vec<(i64, Day)> =
            self.daily.iter().map(|(number, (counts, _))| (*number, Day::unpack(counts).unwrap())).collect();
        if let Some((number, counts, _)) = &self.open_day {
            assert!(!self.daily.contains_key(number), "a day stands in two places");
            days.push((*number, Day::unpack(counts).unwrap()));
        }
        days.sort_by_key(|(number, _)| *number);
        days
    }
}

/// The tables of a shard.
#[derive(Clone, Default)]
pub(crate) struct ShardTables {
    pub(crate) rows: Option<ShardRows>,
    /// Ids of a shard that is yet to begin.
    handed_over: Segments,
}

#[derive(Clone)]
pub(crate) struct ShardRows {
    epoch: u64,
    pub(crate) is_closed: bool,
    first_own: u64,
    accepted: BTreeMap<u64, Rc<[Increment]>>,
    pub(crate) ids: Segments,
}

impl ShardTables {
    pub(crate) fn restore(&self) -> Option<Shard> {
        let rows = self.rows.as_ref()?;
        let mut shard = Shard {
            epoch: rows.epoch,
            is_closed: rows.is_closed,
            first_own: rows.first_own,
            ledger: Ledger::within(BOUNDS, 0),
            ..Shard::default()
        };
        rows.ids.restore(|segment| shard.ledger.restore(segment));
        shard.begin_own(shard.first_own);
        for (number, increments) in &rows.accepted {
            shard.batch = *number;
            shard.held += increments.len();
        }
        Some(shard)
    }

    pub(crate) fn empty(&mut self) {
        (self.rows, self.handed_over) = (None, Segments::default());
    }

    pub(crate) fn take_over(&mut self, segments: &[Segment], begins: Option<(u64, u64)>) {
        self.handed_over.store(&LedgerChange { written: segments.to_vec(), expired: Vec::new() });
        if let Some((epoch, first_own)) = begins {
            let ids = std::mem::take(&mut self.handed_over);
            self.rows = Some(ShardRows { epoch, is_closed: false, first_own, accepted: BTreeMap::new(), ids });
        }
    }

    pub(crate) fn store(&mut self, batch: &Batch) {
        let rows = self.rows.as_mut().unwrap();
        assert!(
            rows.accepted.insert(batch.number, batch.increments.clone().into()).is_none(),
            "a batch is there twice"
        );
        rows.ids.store(&batch.ledger);
    }

    pub(crate) fn pulled(&mut self, through: u64, closes: bool) {
        let rows = self.rows.as_mut().unwrap();
        rows.accepted.retain(|number, _| *number >= through);
        rows.is_closed |= closes;
    }

    pub(crate) fn accepted(&self, through: u64) -> Vec<(u64, Rc<[Increment]>)> {
        let rows = self.rows.as_ref().unwrap();
        rows.accepted.range(through + 1..).map(|(number, increments)| (*number, Rc::clone(increments))).collect()
    }

    pub(crate) fn rows(&self) -> &ShardRows {
        self.rows.as_ref().unwrap()
    }

    /// Whether its epoch is closed, or never began.
    pub(crate) fn is_over(&self) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.is_closed)
    }
}
