// The end of a run: what nobody knows is sent until it is acknowledged, all ids are sent once more, and everything that is
// told is compared with the ledger.
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../worker/connections.mjs";
import { client, service } from "../worker/instance.mjs";
import { expectedSummary } from "./expected-summary.mjs";
import { judgeBatch, judgeRead, judgeSame } from "./judging.mjs";
import { METRICS } from "./ledger.mjs";
import { EXPERIMENTS } from "./workload.mjs";

const BATCH = 500;
const SENDERS = 4;
const ATTEMPTS = 20;
const PENDING_MS = 120_000;
const PAUSE_MS = 500;

export async function reckon(campaign) {
  const { subject, ledger, verdict } = campaign;
  subject.start();
  if (!(await subject.listens)) throw new Error(`workerd did not start: ${subject.lines.join("\n")}`);
  if (campaign.hasIds) {
    await deliver(campaign, ledger.unknown());
    await deliver(campaign, ledger.events);
  }
  const api = client(campaign.url);
  for (const prompt of campaign.prompts) {
    const { body } = await api.get(`/v1/prompts/${prompt}/stats`);
    const least = Object.fromEntries(METRICS.map((type) => [type, ledger.acknowledged.of(prompt, type)]));
    judgeRead(ledger, verdict, prompt, least, body);
  }
  await compareSummaries(campaign, client(subject.url));
  await verify(campaign, client(subject.url));
  await subject.kill();
  campaign.inspect();
  if (campaign.hasIds) campaign.inspection.all(ledger, verdict);
}

/** Sends events until all are acknowledged, each batch by the user who sent it first. */
async function deliver(campaign, events) {
  const { scene, ledger, verdict, url } = campaign;
  const batches = [];
  for (const [user, mine] of Map.groupBy(events, ({ user }) => user)) {
    for (let first = 0; first < mine.length; first += BATCH) batches.push({ user, events: mine.slice(first, first + BATCH) });
  }
  const queue = batches.values();
  const sender = async () => {
    const connection = connect(url);
    for (const batch of queue) await deliverBatch(connection, batch);
    connection.end();
  };
  const deliverBatch = async (connection, { user, events }) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = ledger.send(events);
      const answer = await connection.post("/v1/events", events.map(({ wire }) => wire), { headers: scene.headers(user) });
      if (answer && judgeBatch(ledger, verdict, events, before, answer)) return;
      await pause(PAUSE_MS);
    }
    verdict.add("unhealed", "a batch at the end", events.length, `it was not acknowledged in ${ATTEMPTS} attempts`);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

async function compareSummaries({ subject, ledger, verdict }, api) {
  const told = async (id) => {
    const rows = [];
    for (let cursor = ""; cursor !== null; ) {
      const { body } = await api.get(`/v1/experiments/${id}/summary?limit=100${cursor}`, { as: service });
      rows.push(...body.rows);
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    return rows;
  };
  const found = {};
  for (let last = ""; ; ) {
    const answer = await subject.cron();
    if (!answer.ok) verdict.add("unhealed", "the cron", 1, await answer.text());
    for (const id of Object.keys(EXPERIMENTS)) found[id] = await told(id);
    if (JSON.stringify(found) === last) break;
    last = JSON.stringify(found);
  }
  const events = Map.groupBy(ledger.events.map(({ wire }) => wire), ({ experiment_id }) => experiment_id);
  for (const [id, { rules }] of Object.entries(EXPERIMENTS)) {
    judgeSame(verdict, `summary of ${id}`, expectedSummary(events.get(id) ?? [], rules), found[id]);
  }
}

/** Has the instance verify all that it tells, again as long as something is on its way. */
async function verify({ verdict }, api) {
  for (const end = performance.now() + PENDING_MS; ; ) {
    const [differences, sums] = [[], { pending: 0, rankings_pending: 0 }];
    for (let cursor = ""; cursor !== null; ) {
      const { body } = await api.get(`/v1/admin/verify?limit=100${cursor}`, { as: service });
      for (const name of Object.keys(sums)) sums[name] += body[name];
      differences.push(...body.differences);
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    for (const { prompt_id, check, expected, found } of differences) {
      verdict.add("disagreement", `verify: ${check} of ${prompt_id}`, 1, `${expected} is ${found}`);
    }
    const pending = sums.pending + sums.rankings_pending;
    if (pending === 0 || differences.length > 0) return;
    if (performance.now() > end) return verdict.add("unhealed", "verify", pending, "something is pending for ever");
    await pause(PAUSE_MS);
  }
}
