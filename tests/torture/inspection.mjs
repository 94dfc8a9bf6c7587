// What is in the files of a state while nobody runs. They are opened for reading only, so that what a death left to be done
// (a write-ahead log, or the journal of a database that was just being made) is left to workerd.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { judgeRows, judgeSame, judgeSnapshot, judgeStored } from "./judging.mjs";
import { EXPERIMENT_TYPES } from "./ledger.mjs";

const D1 = "v3/d1/miniflare-D1DatabaseObject";
const COUNTERS = "v3/do/promptmeter-PromptCounter";
const SHARDS = "v3/do/promptmeter-CounterShard";
const NAME = /^[0-9a-f]{64}\.sqlite$/;

/** SQLite's code for what would have to write before it can read. */
const READ_ONLY = 8;

function rowsOf(file, readOnly, sql, parameters) {
  const database = new DatabaseSync(file, { readOnly });
  try {
    return database.prepare(sql).all(...parameters);
  } finally {
    database.close();
  }
}

/** Runs a statement on a database and gives its rows: on a copy, if it has to be rolled back first. */
export function query(file, sql, ...parameters) {
  try {
    return rowsOf(file, true, sql, parameters);
  } catch (error) {
    if ((error.errcode & 0xff) !== READ_ONLY) throw error;
  }
  const folder = mkdtempSync(join(tmpdir(), "promptmeter-copy-"));
  try {
    for (const one of [file, `${file}-wal`, `${file}-journal`]) if (existsSync(one)) copyFileSync(one, join(folder, basename(one)));
    return rowsOf(join(folder, basename(file)), false, sql, parameters);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const databases = (folder) => (existsSync(folder) ? readdirSync(folder) : []).filter((name) => NAME.test(name)).map((name) => join(folder, name));

/** The state of an instance, looked at after each of its deaths. */
export class Inspection {
  #state;
  #stamps = new Map();

  /** Databases whose integrity was checked so far. */
  checked = 0;

  constructor(state) {
    this.#state = state;
  }

  get d1() {
    return databases(join(this.#state, D1))[0];
  }

  /** How many shards of counters there have been. */
  get shards() {
    return databases(join(this.#state, SHARDS)).length;
  }

  /** Checks every database that changed since it was checked last. */
  integrity(verdict) {
    for (const place of readdirSync(join(this.#state, "v3"), { recursive: true })) {
      const file = join(this.#state, "v3", place);
      if (!file.endsWith(".sqlite")) continue;
      const stamp = [file, `${file}-wal`].map((one) => (existsSync(one) ? `${statSync(one).size} ${statSync(one).mtimeMs}` : "")).join();
      if (this.#stamps.get(file) === stamp) continue;
      this.#stamps.set(file, stamp);
      this.checked++;
      try {
        const [{ integrity_check }, ...more] = query(file, "pragma integrity_check");
        if (integrity_check !== "ok" || more.length > 0) verdict.add("corrupt", place, 1, integrity_check);
      } catch (error) {
        verdict.add("corrupt", place, 1, error.message);
      }
    }
  }

  /** Looks for what was acknowledged since the last look, and compares sums with what was sent. */
  rows(ledger, verdict) {
    const fresh = ledger.takeRecent();
    this.#missing(verdict, "prompt_events", fresh.filter(({ wire: { type } }) => type === "fork" || type === "compare_add"));
    this.#missing(verdict, "prompt_usage", fresh.filter(({ wire: { type } }) => type === "usage"));
    const stored = query(this.d1, "select experiment_id, sum(event_count) as events from experiment_batches group by 1");
    for (const { experiment_id, events } of stored) {
      const most = EXPERIMENT_TYPES.reduce((sum, type) => sum + ledger.most(experiment_id, type), 0);
      if (events > most) verdict.add("doubled", `events of ${experiment_id}`, events - most, `${events} <= ${most}`);
    }
    this.#snapshots(ledger, verdict);
  }

  #missing(verdict, table, events) {
    if (events.length === 0) return;
    const ids = JSON.stringify(events.map(({ wire }) => [wire.prompt_id, wire.id]));
    const sql = `select value ->> 1 as id from json_each(?) where not exists
      (select 1 from ${table} t where t.prompt_id = value ->> 0 and t.id = value ->> 1)`;
    for (const { id } of query(this.d1, sql, ids)) verdict.add("lost", `${table} ${id}`);
  }

  /** Snapshots in D1 tell what their counters hold, or what they held before. */
  #snapshots(ledger, verdict) {
    const rows = query(this.d1, "select prompt_id, view_count, copy_count, fork_count, compare_count, version from prompt_stats");
    const counters = this.counters();
    for (const { prompt_id, version, ...counts } of rows) {
      const [view, copy, fork, compare_add] = Object.values(counts);
      judgeSnapshot(ledger, verdict, prompt_id, { view, copy, fork, compare_add });
      const counter = counters.get(prompt_id);
      if (!counter || counter.version < version) verdict.add("disagreement", `snapshot of ${prompt_id}`, 1, "it is newer than its counter");
      else if (counter.version === version) {
        judgeSame(verdict, `snapshot of ${prompt_id}`, [counter.views, counter.copies, counter.forks, counter.compares], Object.values(counts));
      }
    }
  }

  /** The counters by their prompts. */
  counters() {
    const rows = databases(join(this.#state, COUNTERS)).flatMap((file) => {
      const isMade = query(file, "select 1 from sqlite_master where name = 'counter'").length > 0;
      return isMade ? query(file, "select prompt_id, views, copies, forks, compares, version from counter") : [];
    });
    return new Map(rows.map((row) => [row.prompt_id, row]));
  }

  /** At the end, all rows of all events that were sent. */
  all(ledger, verdict) {
    const of = (...types) => ledger.events.filter(({ wire: { type } }) => types.includes(type));
    const ids = (sql) => query(this.d1, sql).map(({ id }) => id);
    judgeRows(verdict, "prompt_events", of("fork", "compare_add"), ids("select id from prompt_events"));
    judgeRows(verdict, "prompt_usage", of("usage"), ids("select id from prompt_usage"));
    judgeRows(verdict, "experiment_batches", of("pageview", "exposure", "conversion"), ids("select event_id as id from analytics_events"));
    const stored = query(this.d1, "select experiment_id, event_type, count(*) as events from analytics_events group by 1, 2");
    for (const [experiment, rows] of Map.groupBy(stored, ({ experiment_id }) => experiment_id)) {
      judgeStored(ledger, verdict, experiment, Object.fromEntries(rows.map(({ event_type, events }) => [event_type, events])));
    }
    const [{ marks }] = query(this.d1, "select count(*) as marks from prompt_events where uncounted_since_ms is not null");
    if (marks > 0) verdict.add("lost", "rows that no counter counted", marks);
  }
}
