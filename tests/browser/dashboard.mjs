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

/** Fills an instance through its API, and gives the ids of what is there. */
async function seed({ cron, events, get, imported, post, prompt, send }) {
  const now = Date.now();
  const as = user(randomUUID());
  const sent = async (list, options) => {
    for (let from = 0; from < list.length; from += 500) {
      const { rejected } = await events(list.slice(from, from + 500), options);
      assert.deepEqual(rejected, []);
    }
  };

  const prompts = [
    await prompt({ title: HOSTILE, slug: "hostile" }),
    await prompt({ title: "100% _plain_" }),
    await prompt({ title: "Third" }),
  ];
  const [first, second] = prompts;
  const view = (prompt_id, hours, visitor) => ({ type: "view", prompt_id, visitor, timestamp: now - hours * HOUR_MS });
  await sent(
    prompts.flatMap((id, place) => Array.from({ length: VIEWS[place] }, (_, n) => view(id, n % 40, `v${n % 11}`))),
    { as: service },
  );
  await sent(
    Array.from({ length: 12 }, (_, n) => ({ type: "copy", prompt_id: first, timestamp: now - n * HOUR_MS })),
    { as: service },
  );
  await sent(
    [first, second].map((prompt_id) => ({ type: "compare_add", prompt_id, comparison_id: "one" })),
    { as },
  );
  await sent(
    ["shell", "shell", HOSTILE].map((scene, n) => ({
      type: "usage",
      prompt_id: first,
      scene,
      generation_time_ms: 100 * (n + 1),
    })),
    { as },
  );
  const fork = (await post(`/v1/prompts/${first}/fork`, {}, { as })).body;
  await post(`/v1/prompts/${fork.id}/fork`, {}, { as });

  const declare = async (id, fields) =>
    assert.equal(
      (await send("PUT", `/v1/experiments/${encodeURIComponent(id)}`, { as: service, body: fields })).status,
      201,
    );
  const experiments = { better: `better ${HOSTILE.slice(0, 10)} é/?`, mismatch: "mismatch", empty: "empty" };
  for (const id of Object.values(experiments))
    await declare(id, { name: id === "empty" ? HOSTILE : id, hypothesis: HOSTILE, variants: VARIANTS, status: "running" });
  const sessions = (experiment_id, variant_key, count, converted) =>
    Array.from({ length: count }, (_, n) => {
      const [session_id, exposed] = [`${variant_key.length}-${n}`, now - (5 + (n % 30)) * HOUR_MS];
      const of = (type, more) => ({ type, experiment_id, session_id, ...more });
      const conversion = of("conversion", {
        timestamp: exposed + HOUR_MS,
        ...(n % 2 && { properties: { metric: "revenue", value: n } }),
      });
      return [of("exposure", { variant_key, timestamp: exposed }), ...(n < converted ? [conversion] : [])];
    }).flat();
  await sent([...sessions(experiments.better, "control", 600, 120), ...sessions(experiments.better, HOSTILE, 600, 360)]);
  await sent([...sessions(experiments.mismatch, "control", 900, 180), ...sessions(experiments.mismatch, HOSTILE, 200, 20)]);
  await cron();
  await until(async () => {
    const rows = (await get("/rest/v1/prompt_stats", { as: service })).body;
    const sum = (column) => rows.reduce((sum, row) => sum + row[column], 0);
    return ["view_count", "copy_count", "fork_count", "compare_count"].map(sum).join() === "70,12,2,2";
  }, "the counters have told what they counted");
  return { prompts, experiments };
}

/** The instance, what is in it, and `open`, which opens a view of the dashboard. */
export async function dashboard() {
  const instance = await start();
  const seeded = await seed(instance);
  const browser = await launch([]);

  /** Opens a view, with the key unless `key` is null. A page that throws, breaks its policy or asks others fails its test. */
  async function open(view = "", { key = SETTINGS.SERVICE_KEY, ...more } = {}) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, timezoneId: TIME_ZONE, ...more });
    if (key) await context.addInitScript(([name, key]) => sessionStorage.setItem(name, key), [KEY, key]);
    const page = await context.newPage();
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
  return { ...instance, ...seeded, answer, open };
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
export const addressOf = (part) => part.locator(".source > a").first().getAttribute("href");

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
