// How the instance is: whether it answers, how fresh its figures are, what was slow, what it did, and whether what it tells is so.
import { path, withQuery } from "./api.mjs";
import { element, heading, section } from "./elements.mjs";
import { experimentLink } from "./experiments.mjs";
import { milliseconds, second, whole } from "./format.mjs";
import { samples } from "./samples.mjs";
import { slow } from "./slow.mjs";
import { figures, source } from "./source.mjs";
import { more, pagedTable, table } from "./table.mjs";

const [HEALTH, METRICS, VERIFY, RUNS] = ["/healthz", "/v1/admin/metrics", "/v1/admin/verify", "/v1/admin/runs"];
/** Prompts that are verified at a time: rows are counted, so a page may take a while. */
const PAGE_PROMPTS = 25;
const RUNNING = 10;
const RUNS_OF_A_PAGE = 10;

export function health(api) {
  const told = api.get(METRICS).then(samples);
  return [
    heading("Health"),
    section("Is it well?", () => answers(api)),
    section("How fresh are its figures?", () => freshness(api)),
    section("Does the cron roll up?", () => runs(api)),
    section("Which queries are slow?", () => slow(told, METRICS)),
    section("What did it do?", () => metrics(told)),
    section("Is what it tells so?", () => verification(api)),
  ];
}

async function answers(api) {
  const begun = performance.now();
  // An instance that fails says so with a 503, and why.
  const { status, checks } = await api.get(HEALTH).catch((refusal) => {
    if (!refusal.answer?.checks) throw refusal;
    return refusal.answer;
  });
  const columns = [
    ["What", ({ name }) => name],
    ["Is it well?", ({ status }) => (status === "ok" ? status : element("span", { class: "problem" }, status))],
    ["In words", ({ detail }) => detail],
  ];
  return [
    figures([
      ["All together", status, HEALTH],
      ["Time from here", `${whole(Math.round(performance.now() - begun))} ms`, HEALTH],
    ]),
    table("What was looked at", columns, checks),
    source(HEALTH),
  ];
}

async function freshness(api) {
  const snapshots = withQuery("/rest/v1/prompt_stats", { select: "updated_at", order: "updated_at.desc", limit: 1 });
  const running = withQuery("/rest/v1/experiments", {
    select: "id,name",
    status: "eq.running",
    order: "updated_ms.desc.nullslast,id",
    limit: RUNNING,
  });
  const [[latest], experiments] = await Promise.all([api.get(snapshots), api.get(running)]);
  const results = await Promise.all(experiments.map(({ id }) => api.get(path`/v1/experiments/${id}/results`)));
  const columns = [
    ["Experiment", ({ experiment }) => experimentLink(experiment)],
    ["Has every event until", ({ as_of }) => second(as_of)],
    ["Rules", ({ recalculating }) => (recalculating ? "sessions are being judged anew" : "as declared")],
  ];
  const rows = results.map((answer, index) => ({ ...answer, experiment: experiments[index] }));
  return [
    figures([["Latest count told by a counter", second(latest?.updated_at), snapshots]]),
    rows.length
      ? table(`Experiments that run, the ${RUNNING} that were changed last`, columns, rows)
      : element("p", {}, "No experiment runs."),
    source(snapshots),
    source(running),
  ];
}

/** The runs that had something to do: nothing new, no run. */
async function runs(api) {
  const pages = api.pages(RUNS, { limit: RUNS_OF_A_PAGE });
  const first = (await pages.next()).value;
  const columns = [
    ["Begun", ({ started_ms }) => second(started_ms)],
    ["Took", ({ started_ms, finished_ms }) => milliseconds(finished_ms === null ? null : finished_ms - started_ms), true],
    ["Events", ({ events_read }) => whole(events_read), true],
    ["Rows written", ({ rows_written }) => whole(rows_written), true],
    ["Came to", outcome],
  ];
  return [
    pagedTable("The latest runs of the rollup", columns, first, pages, ({ runs }) => runs, "There was nothing to roll up yet."),
    element("p", { class: "quiet" }, "The cron comes every five minutes. A run that has nothing to do is not noted."),
    source(`${RUNS}?limit=${RUNS_OF_A_PAGE}`),
  ];
}

function outcome({ finished_ms, error }) {
  if (error !== null) return element("span", { class: "problem" }, `failed: ${error}`);
  return finished_ms === null ? "it runs, or was cut off" : "its end";
}

async function metrics(told) {
  const columns = [
    ["Sample", ({ family, labels }) => `${family}${labels && ` ${labels}`}`],
    ["Reading", ({ number }) => (Number.isInteger(number) ? whole(number) : String(number)), true],
    ["What it is", ({ help }) => help],
  ];
  return [
    table("What the instance did, and how it is", columns, (await told).filter(({ family }) => !family.endsWith("_bucket"))),
    element("p", { class: "quiet" }, "Of all isolates together, since the beginning. An isolate tells what it did some seconds later."),
    source(METRICS),
  ];
}

/** Verification costs what it reads, so it is begun by hand, and goes on page by page. */
function verification(api) {
  const pages = api.pages(VERIFY, { limit: PAGE_PROMPTS });
  const sum = { prompts: 0, pending: 0, differences: [] };
  const body = element("div", { role: "status" });
  const next = async () => {
    const { value } = await pages.next();
    sum.prompts += value.prompts;
    sum.pending += value.pending;
    sum.differences.push(...value.differences);
    body.replaceChildren(...verified(sum, value.next_cursor === null));
    return value.next_cursor !== null;
  };
  return [
    element("p", {}, "It counts rows and asks counters, and compares with what is told."),
    body,
    more(next, `Verify ${PAGE_PROMPTS} prompts`),
    source(`${VERIFY}?limit=${PAGE_PROMPTS}`),
  ];
}

function verified({ prompts, pending, differences }, isDone) {
  const verified = `${whole(prompts)} prompts${isDone ? ", which is all" : ""}`;
  const found = `${whole(pending)} pending, ${whole(differences.length)} differences`;
  const columns = [
    ["Prompt", ({ prompt_id: id }) => (id === null ? "all together" : element("a", { href: `#${path`/prompts/${id}`}` }, id))],
    ["What", ({ check }) => check],
    ["Expected", ({ expected }) => whole(expected), true],
    ["Found", ({ found }) => whole(found), true],
  ];
  return [element("p", {}, `${verified}: ${found}.`), ...(differences.length ? [table("Differences", columns, differences)] : [])];
}
