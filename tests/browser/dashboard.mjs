// An instance with something to see on its dashboard, and the dashboard in a Chromium.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { SETTINGS, service, start, until, user } from "../worker/instance.mjs";
import { launch } from "./chromium.mjs";

const HOUR_MS = 3_600_000;
const KEY = "promptmeter-service-key";
export const TIME_ZONE = "America/St_Johns";
export const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script><b>"'&amp;</b>`;
const VARIANTS = [
  { key: "control", weight: 0.5 },
  { key: HOSTILE, weight: 0.5 },
];
/** Views that each prompt gets. */
const VIEWS = [60, 7, 3];

const EXPERIMENTS = { better: `better ${HOSTILE.slice(0, 10)} é/?`, mismatch: "mismatch", empty: "empty" };

/** Sends events, as many in a request as it takes. */
async function sendAll({ events }, list, options) {
  for (let from = 0; from < list.length; from += 500) {
    const { rejected } = await events(list.slice(from, from + 500), options);
    assert.deepEqual(rejected, []);
  }
}

/** Makes prompts that were viewed, copied, compared, used and forked, and gives the ids of those that are public. */
async function seedPrompts(instance, now) {
  const { get, post, prompt } = instance;
  const as = user(randomUUID());
  const [first, second, third] = [
    await prompt({ title: HOSTILE, slug: "hostile" }),
    await prompt({ title: "100% _plain_" }),
    await prompt({ title: "Third" }),
  ];
  const view = (prompt_id, hours, visitor) => ({ type: "view", prompt_id, visitor, timestamp: now - hours * HOUR_MS });
  const views = [first, second, third].flatMap((id, place) =>
    Array.from({ length: VIEWS[place] }, (_, n) => view(id, n % 40, `v${n % 11}`)),
  );
  const copies = Array.from({ length: 12 }, (_, n) => ({ type: "copy", prompt_id: first, timestamp: now - n * HOUR_MS }));
  const comparisons = [first, second].map((prompt_id) => ({ type: "compare_add", prompt_id, comparison_id: "one" }));
  const use = (scene, n) => ({ type: "usage", prompt_id: first, scene, generation_time_ms: 100 * (n + 1) });
  await sendAll(instance, [...views, ...copies], { as: service });
  await sendAll(instance, [...comparisons, ...["shell", "shell", HOSTILE].map(use)], { as });
  const fork = await post(`/v1/prompts/${first}/fork`, {}, { as });
  await post(`/v1/prompts/${fork.body.id}/fork`, {}, { as });
  await until(async () => {
    const rows = (await get("/rest/v1/prompt_stats", { as: service })).body;
    const sum = (column) => rows.reduce((sum, row) => sum + row[column], 0);
    return ["view_count", "copy_count", "fork_count", "compare_count"].map(sum).join() === "70,12,2,2";
  }, "the counters have told what they counted");
  return [first, second, third];
}

/** Makes experiments: one with a verdict, one whose sessions do not come as declared, one without any. */
async function seedExperiments(instance, now) {
  for (const id of Object.values(EXPERIMENTS)) {
    const body = { name: id === EXPERIMENTS.empty ? HOSTILE : id, hypothesis: HOSTILE, variants: VARIANTS };
    const { status } = await instance.send("PUT", `/v1/experiments/${encodeURIComponent(id)}`, { as: service, body });
    assert.equal(status, 201);
  }
  const session = (experiment_id, variant_key, n, isConverted) => {
    const [session_id, exposed] = [`${variant_key.length}-${n}`, now - (5 + (n % 30)) * HOUR_MS];
    const of = (type, more) => ({ type, experiment_id, session_id, ...more });
    const properties = n % 2 ? { metric: "revenue", value: n } : undefined;
    const conversion = of("conversion", { timestamp: exposed + HOUR_MS, properties });
    return [of("exposure", { variant_key, timestamp: exposed }), ...(isConverted ? [conversion] : [])];
  };
  for (const [id, variant, count, converted] of [
    [EXPERIMENTS.better, "control", 600, 120],
    [EXPERIMENTS.better, HOSTILE, 600, 360],
    [EXPERIMENTS.mismatch, "control", 900, 180],
    [EXPERIMENTS.mismatch, HOSTILE, 200, 20],
  ]) {
    await sendAll(instance, Array.from({ length: count }, (_, n) => session(id, variant, n, n < converted)).flat());
  }
  await instance.cron();
}

/** The instance, what is in it, and `open`, which opens a view of the dashboard. */
export async function dashboard() {
  // However fast they are: every statement is called slow.
  const instance = await start({ SLOW_QUERY_MS: "0" }, { hasAssets: true });
  const now = Date.now();
  const prompts = await seedPrompts(instance, now);
  await seedExperiments(instance, now);
  const browser = await launch([]);

  /** Opens a view, with the key unless `key` is null; `prepare` gets the page before. A page that throws, breaks its policy or asks others fails its test. */
  async function open(view = "", { key = SETTINGS.SERVICE_KEY, prepare = () => {}, ...more } = {}) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, timezoneId: TIME_ZONE, ...more });
    if (key) await context.addInitScript(([name, key]) => sessionStorage.setItem(name, key), [KEY, key]);
    const page = await context.newPage();
    await prepare(page);
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(error));
    page.on("console", (message) => /content security policy/i.test(message.text()) && wrong.push(message.text()));
    page.on(
      "request",
      (request) => new URL(request.url()).origin === new URL(instance.url).origin || wrong.push(request.url()),
    );
    await page.goto(new URL(`/dashboard${view && `#/${view}`}`, instance.url).href);
    const close = async () => {
      await context.close();
      assert.deepEqual(wrong, []);
    };
    const loaded = () =>
      page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main [aria-busy]"));
    await loaded();
    return Object.assign(page, {
      loaded,
      region: (name) => page.getByRole("region", { name, exact: true }),
      storedKey: () => page.evaluate((name) => sessionStorage.getItem(name), KEY),
      [Symbol.asyncDispose]: close,
    });
  }

  const answer = async (address) => {
    const { status, body } = await instance.get(address, { as: service });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  return { ...instance, prompts, experiments: EXPERIMENTS, answer, open };
}

/** The figures of a part of the page: numbers by their names. */
export async function figuresOf(part) {
  const pairs = await part
    .locator(".figures > div")
    .evaluateAll((divs) => divs.map((div) => [div.querySelector("dt").textContent, div.querySelector("dd").textContent]));
  return Object.fromEntries(pairs);
}

/** The cells of a table, row by row, the first in it. */
export const cellsOf = (part) =>
  part
    .locator("tbody")
    .first()
    .evaluate((body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent)));

/** The call that a part of the page says its figures come from. */
export const addressOf = async (part) => (await part.locator(".source > .call").first().textContent()).replace(/^GET /, "");

/** How many points of a drawn chart have the colour of the style sheet's variable, once there are any. */
export const drawn = (page, figure, variable) =>
  until(
    () =>
      figure.locator("canvas").evaluate((canvas, variable) => {
        const hex = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
        const colour = [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let at = 0; at < data.length; at += 4)
          found += data[at + 3] === 255 && colour.every((part, index) => data[at + index] === part);
        return found;
      }, variable),
    `the chart has ${variable}`,
  );
