// Counting, measured beside its alternatives: make bench [ROUNDS=3] [DURATION=3] [PACED=30]
//
// ROUNDS, DURATION (seconds of one measurement) and PACED (seconds at 1,000 views a second of one prompt, ten times that of many)
// are less only to try it.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { gzipSync } from "node:zlib";
import { version as workerd } from "workerd";
import { PROMPTS, VISITS, cellName } from "./counting/cells.mjs";
import { startClient } from "./counting/client.mjs";
import { benchmarkDocument } from "./counting/document.mjs";
import { alternatives, measureEconomics } from "./counting/economics.mjs";
import { measurePostgres, postgres } from "./counting/postgres.mjs";
import { measureRedis, redis } from "./counting/redis.mjs";
import { TARGETS, cellsOf, isReached, keyFigures } from "./counting/results.mjs";
import { measureObject } from "./counting/object.mjs";
import { measureStartup } from "./counting/startup.mjs";
import { SUBJECTS, prepare, serveSubject } from "./counting/subjects.mjs";
import { Expected, makeVisit } from "./counting/visit.mjs";

const ROOT = join(import.meta.dirname, "..");
const [ROUNDS, DURATION, PACED] = ["ROUNDS", "DURATION", "PACED"].map((name) => Number(process.env[name]));
const WARM_UP_SECONDS = 2;

const folder = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const started = performance.now();
const seconds = () => `${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s`;
const say = (text) => console.log(`${seconds()}  ${text}`);

/** What is no worker, with how it is measured; or with the reason why it is left out. */
function findInstalled() {
  const [database, cache] = [postgres(), redis()];
  return {
    postgres: { ...database, measure: () => measurePostgres(database.folder, DURATION, WARM_UP_SECONDS) },
    redis: { ...cache, measure: (kind) => measureRedis(kind, DURATION, WARM_UP_SECONDS) },
  };
}

/** Each subject with the state it keeps through all rounds. */
async function makeSubjects() {
  const subjects = {};
  for (const name of Object.keys(SUBJECTS)) {
    const state = mkdtempSync(join(folder, `${name}-`));
    prepare(name, state);
    const zipfIds = Array.from({ length: PROMPTS }, () => randomUUID());
    const server = await serveSubject(name, state);
    await server.addPrompts(zipfIds);
    await server.stop();
    subjects[name] = { state, zipfIds, expected: new Expected() };
  }
  return subjects;
}

function tell(name, { requests_per_s, views_per_s, p50_ms, p99_ms, cpu_us, errors, wrong }) {
  const bad = [...Object.entries(errors).map(([reason, times]) => `${times} × ${reason}`), ...(wrong ? [`${wrong} wrong values`] : [])];
  const rate = `${Math.round(requests_per_s)} requests/s, ${Math.round(views_per_s ?? requests_per_s)} events/s`;
  say(`${name}: ${rate}, p50 ${p50_ms?.toFixed(2)} ms, p99 ${p99_ms?.toFixed(2)} ms, ${cpu_us.toFixed(0)} µs${bad.length ? `; ${bad.join(", ")}` : ""}`);
}

async function makeRound(number, subjects, client) {
  const [cells, compared] = [{}, []];
  const report = (name, figures) => {
    cells[name] = figures;
    tell(name, figures);
  };
  for (const visit of number % 2 ? VISITS.toReversed() : VISITS) {
    const installed = INSTALLED[visit.subject];
    if (!installed) {
      const found = await makeVisit(visit, { ...subjects[visit.subject], client, seconds: DURATION, report });
      if (visit.subject === "promptmeter") compared.push(found);
      else if (Object.values(found).some((count) => count > 0)) throw new Error(`${visit.subject} does not store what it acknowledges`);
    } else if (!installed.reason) {
      for (const cell of visit.cells) {
        const figures = await installed.measure(cell.kind);
        report(cellName(visit.subject, cell), { ...figures, views_per_s: figures.requests_per_s });
      }
    }
  }
  return { cells, compared };
}

const INSTALLED = findInstalled();
const skipped = Object.entries(INSTALLED).flatMap(([subject, { reason }]) => (reason ? [{ subject, reason }] : []));
for (const { subject, reason } of skipped) say(`${subject} is skipped: ${reason}`);
const client = startClient();
const subjects = await makeSubjects();
say("measuring the start");
const startup = await measureStartup(folder);

say("commands to one counter");
const object = await measureObject(folder, DURATION, ({ callers, views }, perSecond) => {
  say(`${callers} at once, of ${views} views: ${Math.round(perSecond)} commands/s`);
});

const rounds = [];
const compared = [];
for (let number = 0; number < ROUNDS; number++) {
  say(`round ${number + 1} of ${ROUNDS}`);
  const round = await makeRound(number, subjects, client);
  rounds.push(round.cells);
  compared.push(...round.compared);
}

say("views at 1,000 a second, and what they cost");
const paced = await measureEconomics(client, {
  folder,
  seconds: PACED,
  report: ({ name, usd_per_million_views, ...figures }) => tell(`${name}: $${usd_per_million_views.toFixed(3)} per million`, figures),
});
compared.push({ ...paced.compared, errors: 0, wrong: 0 }); // the runs have their own
client.end();

const cells = cellsOf(rounds);
const cpuOf = (subject) => cells[`${subject}/baseline/one prompt/32`].cpu_us;
const wasm = gzipSync(readFileSync(join(ROOT, "build/index_bg.wasm")), { level: 9 });
const results = {
  ...keyFigures({ rounds, compared, economics: paced.runs, wasmGzipKb: wasm.length / 1000, startup }),
  machine: {
    cpus: cpus().length,
    cpu: cpus()[0].model.trim(),
    system: parseEnv(readFileSync("/etc/os-release", "utf8")).PRETTY_NAME,
    node: process.version.slice(1),
    workerd,
    postgres: INSTALLED.postgres.version ?? null,
    redis: INSTALLED.redis.version ?? null,
  },
  rounds: ROUNDS,
  seconds: DURATION,
  paced_seconds: PACED,
  skipped,
  startup,
  object,
  cells,
  economics: paced.runs,
  alternatives: alternatives({ object: cpuOf("object"), d1: cpuOf("d1") }),
  runs: rounds,
};
writeFileSync(join(ROOT, "bench/results.json"), `${JSON.stringify(results, null, 1)}\n`);
const document = join(ROOT, "docs/benchmarks.md");
mkdirSync(join(ROOT, "docs"), { recursive: true });
writeFileSync(document, benchmarkDocument(results, existsSync(document) ? readFileSync(document, "utf8") : ""));
for (const target of TARGETS) {
  const reached = isReached(target, results[target.key]);
  say(`${target.key}: ${results[target.key]}${reached === null ? "" : reached ? ", reached" : ", MISSED"}`);
}
