// The dashboard: what it shows is what the API tells, as text, to everybody.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT, SETTINGS, until, user } from "../worker/instance.mjs";
import { HOSTILE, TIME_ZONE, addressOf, cellsOf, dashboard, drawn, figuresOf } from "./dashboard.mjs";

const axe = await readFile(join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");
const { answer, experiments, open, post, prompts, url } = await dashboard();
const [hostile, plain] = prompts;
const VIEWS = {
  overview: "",
  lists: "lists?list=viewed&window=7d",
  prompts: "prompts",
  "a prompt": `prompts/${hostile}`,
  experiments: "experiments",
  "an experiment": `experiments/${encodeURIComponent(experiments.better)}`,
  "an experiment with a mismatch": `experiments/${experiments.mismatch}`,
  health: "health",
};
const whole = (number) => number.toLocaleString("en");
const percent = (share) => `${(share * 100).toFixed(2)}%`;

describe("the key", () => {
  test("it is asked for, a wrong one is told, the right one opens and is kept, and it is forgotten", async () => {
    await using page = await open("health", { key: null });
    const field = page.getByLabel("Service key");
    for (const [key, said] of [
      ["promptmeter-wrong", "This is not the service key of this instance."],
      [SETTINGS.PUBLISHABLE_KEY, "This is not the service key of this instance."],
      ["a é", "A key has letters, digits and signs of ASCII, and no spaces."],
    ]) {
      await field.fill(key);
      await field.press("Enter");
      await page.getByRole("alert").getByText(said).waitFor();
      assert.deepEqual([await page.storedKey(), await page.getByRole("navigation").isVisible()], [null, false]);
    }
    await field.fill(` ${SETTINGS.SERVICE_KEY} `);
    await field.press("Enter");
    await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
    assert.deepEqual([await page.storedKey(), await page.getByLabel("Service key").count()], [SETTINGS.SERVICE_KEY, 0]);
    await page.getByRole("button", { name: "Forget key" }).click();
    await field.waitFor();
    assert.equal(await page.storedKey(), null);
    await page.reload();
    await field.waitFor();
  });

  test("one that the instance does not take any more is asked for again", async () => {
    await using page = await open("lists", { key: "an-old-key" });
    await page.getByText("The instance does not take this key any more.").waitFor();
    assert.equal(await page.storedKey(), null);
  });
});

describe("figures are the API's", { concurrency: 2 }, () => {
  test("totals, and the views of the prompts that lead", async () => {
    await using page = await open();
    const rows = await answer("/rest/v1/prompt_stats");
    const sum = (column) => whole(rows.reduce((sum, row) => sum + row[column], 0));
    assert.deepEqual(await figuresOf(page.region("Counts of all prompts")), {
      Views: sum("view_count"),
      Visits: sum("visit_count"),
      Copies: sum("copy_count"),
      Forks: sum("fork_count"),
      Comparisons: sum("compare_count"),
    });
    const numbers = await figuresOf(page.region("How many there are"));
    assert.deepEqual([numbers.Prompts, numbers.Experiments], ["5", "3"]);
    const all = page.region("All prompts over time");
    for (const [name, metric] of [
      ["Views", "view"],
      ["Copies", "copy"],
    ]) {
      await all.getByLabel("What").selectOption(name);
      await page.loaded();
      const address = await addressOf(all);
      assert.match(address, new RegExp(`^/v1/admin/series\\?metric=${metric}&`));
      const points = (await answer(address)).points.map(({ count }) => count);
      assert.deepEqual((await cellsOf(all)).map(([, count]) => count), points.map(whole));
      assert.equal(points.reduce((sum, count) => sum + count), { view: 70, copy: 12 }[metric]);
      await drawn(page, all, "--series-1");
    }
    const trend = page.region("Views of the leading prompts");
    const sums = (await cellsOf(trend.locator("details table"))).reduce(
      (sums, row) => sums.map((sum, index) => sum + Number(row[index + 1])),
      [0, 0, 0],
    );
    assert.deepEqual(sums, [60, 7, 3]);
    for (const place of [1, 2, 3]) await drawn(page, trend, `--series-${place}`);
  });

  test("a list, of another window, and of another kind", async () => {
    await using page = await open("lists");
    const list = page.region("List");
    for (const [kind, name, window, time] of [
      ["viewed", "Most viewed", "24h", "24 hours"],
      ["copied", "Most copied", "all", "all time"],
      ["forked", "Most forked", "30d", "30 days"],
    ]) {
      await page.getByRole("combobox", { name: "Time" }).selectOption(time);
      await page.getByRole("combobox", { name: "List" }).selectOption(name);
      await page.loaded();
      assert.equal(await addressOf(list), `/v1/prompts/top/${kind}?window=${window}&limit=25`);
      const told = (await answer(await addressOf(list))).prompts.map((prompt, index) => [
        String(index + 1),
        prompt.title,
        whole(prompt[{ viewed: "view_count", copied: "copy_count", forked: "fork_count" }[kind]]),
      ]);
      assert.ok(told.length);
      assert.deepEqual(
        (await cellsOf(list)).map((cells) => cells.slice(0, 3)),
        told,
      );
      assert.match(page.url(), new RegExp(`list=${kind}&window=${window}$`));
    }
  });

  test("a prompt that is searched for: counts, scenes, what it is compared with, lineage", async () => {
    await using page = await open("prompts");
    const search = page.getByLabel("A part of the title, the slug or the id");
    for (const searched of [`"'&`, "hostile", hostile]) {
      await search.fill(searched);
      await search.press("Enter");
      await until(
        async () => (
          await page.loaded(),
          (await cellsOf(page.region("Search"))).map(([title]) => title).join() ===
            HOSTILE + (searched === `"'&` ? `,${HOSTILE},${HOSTILE}` : "")
        ),
        searched,
      );
    }
    await search.fill("0% _pl");
    await search.press("Enter");
    await until(async () => (await cellsOf(page.region("Search"))).length === 1);
    await page.getByRole("link", { name: "100% _plain_" }).click();
    await page.getByRole("heading", { name: "100% _plain_", level: 1 }).waitFor();

    await page.goto(`${url}/dashboard#/prompts/${hostile}`);
    await page.getByRole("heading", { name: HOSTILE, level: 1 }).waitFor();
    await page.loaded();
    const stats = await answer(`/v1/prompts/${hostile}/stats`);
    const { Views, Visits, Visitors, Copies, Forks, Uses } = await figuresOf(page.region("Counts"));
    assert.deepEqual([Views, Visits, Visitors, Copies, Forks, Uses].map(Number), [
      stats.viewCount,
      stats.visitCount,
      stats.uniqueVisitors,
      stats.copyCount,
      stats.forkCount,
      stats.totalUsage,
    ]);
    assert.deepEqual(await cellsOf(page.region("Uses by scene")), [
      [HOSTILE, "1", "100", "300\u00a0ms"],
      ["shell", "2", "100", "150\u00a0ms"],
    ]);
    assert.deepEqual(await cellsOf(page.region("Compared with")), [["100% _plain_", "1"]]);
    const lineage = page.region("Lineage");
    assert.deepEqual(await lineage.locator(".tree ul").count(), 2);
    assert.match(
      await lineage.textContent(),
      /All 2 forks below it were viewed 0 times and copied 0 times\. 1 of its own are private/,
    );
    assert.equal(plain, (await answer(await addressOf(page.region("Compared with")))).prompts[0].id);
  });

  test("a series and a funnel in the browser's time zone, drawn and as tables", async () => {
    await using page = await open(`prompts/${hostile}`);
    const [series, funnel] = [page.region("Over time"), page.region("Funnel")];
    for (const time of ["30 days by the day", "7 days by the hour"]) {
      await series.getByLabel("Time").selectOption(time);
      await page.loaded();
      const address = await addressOf(series);
      assert.equal(new URL(address, url).searchParams.get("tz"), TIME_ZONE);
      const counts = (await answer(address)).points.map(({ count }) => String(count));
      assert.ok(counts.some((count) => count !== "0"));
      assert.deepEqual(
        (await cellsOf(series)).map(([, count]) => count),
        counts,
      );
      await drawn(page, series, "--series-1");
    }
    await series.getByLabel("What").selectOption("Copies");
    await page.loaded();
    assert.match(
      await series.locator("figcaption").textContent(),
      /^Copies, 7 days by the hour, America\/St_Johns: 12 in all$/,
    );

    const { steps, days } = await answer(await addressOf(funnel));
    const rows = await cellsOf(funnel.locator("table").first());
    assert.deepEqual(
      rows.map(([, count]) => count),
      steps.map(({ count }) => whole(count)),
    );
    const [, copies] = steps;
    assert.equal(rows[1][2], `${percent(copies.ofPrevious.rate)} (${copies.ofPrevious.interval.map(percent).join(" to ")})`);
    assert.deepEqual(
      (await cellsOf(funnel.locator("details table"))).map(([, rate]) => rate),
      days.map(({ copiesOfViews }) => (copiesOfViews.rate === null ? "–" : percent(copiesOfViews.rate))),
    );
    await drawn(page, funnel, "--series-1");
  });

  test("health: metrics, freshness, verification", async () => {
    await using page = await open("health");
    const samples = await cellsOf(page.region("What did it do?"));
    const metric = (name) => samples.find(([sample]) => sample === name)[1];
    assert.equal(metric('promptmeter_events_total type="exposure"'), "2,300");
    assert.equal((await figuresOf(page.region("Is it well?")))["All together"], "ok");
    const { checks } = await answer("/healthz");
    const told = await cellsOf(page.region("Is it well?"));
    assert.deepEqual(
      told.map(([name, status]) => [name, status]),
      checks.map(({ name, status }) => [name, status]),
    );
    assert.equal((await cellsOf(page.region("How fresh are its figures?"))).length, 3);
    const [run] = (await answer("/v1/admin/runs")).runs;
    const [[, , events, rows, end]] = await cellsOf(page.region("Does the cron roll up?"));
    assert.deepEqual([events, rows, end], [whole(run.events_read), whole(run.rows_written), "its end"]);
    await page.getByRole("button", { name: "Verify 25 prompts" }).click();
    await page.getByText(/^5 prompts, which is all: \d+ pending, 0 differences\.$/).waitFor();
  });
});

describe("queries that are slow", { concurrency: 2 }, () => {
  const METRICS = "**/v1/admin/metrics";
  const PART = "Which queries are slow?";
  const SLOW = /^promptmeter_slow_(\w+)\{statement="([^"]*)"\} (\S+)$/gm;

  test("are told with how often they were, the longest and the last, as the API tells them", async () => {
    const answers = [];
    const prepare = (page) => page.on("response", (response) => response.url().endsWith("/v1/admin/metrics") && answers.push(response.text()));
    await using page = await open("health", { prepare });
    const told = new Map();
    for (const [, figure, name, number] of (await answers[0]).matchAll(SLOW)) told.set(name, { query_max_seconds: 0, ...told.get(name), [figure]: Number(number) });
    const part = page.region(PART);
    const rows = await cellsOf(part);
    assert.ok(told.has("insert prompts") && told.has("select prompts"));
    assert.deepEqual(rows.map(([name]) => name).sort(), [...told.keys()].sort());
    for (const [name, times, longest, last] of rows) {
      const { queries_total, query_max_seconds, query_last_timestamp_seconds } = told.get(name);
      assert.deepEqual([times, longest], [whole(queries_total), `${whole(Math.round(query_max_seconds * 1000))}\u00a0ms`]);
      const at = new Date(query_last_timestamp_seconds * 1000);
      assert.equal(last, at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: TIME_ZONE }));
    }
    const longest = rows.map(([name]) => told.get(name).query_max_seconds);
    assert.deepEqual(longest, longest.toSorted((one, other) => other - one));
    const sum = [...told.values()].reduce((sum, { queries_total }) => sum + queries_total, 0);
    assert.equal((await figuresOf(part))["Slow queries"], whole(sum));
    assert.equal(await addressOf(part), "/v1/admin/metrics");
  });

  /** Opens the view with the metrics as `change` makes them. */
  const openChanged = (change) =>
    open("health", {
      prepare: (page) =>
        page.route(METRICS, async (route) => {
          const response = await route.fetch();
          await route.fulfill({ response, body: change(await response.text()) });
        }),
    });

  test("are said to be none where there are none", async () => {
    await using page = await openChanged((text) => text.replace(SLOW, "").replaceAll(/\n+/g, "\n"));
    const part = page.region(PART);
    await part.getByText("No statement of the database took SLOW_QUERY_MS (1,000 ms, unless it is set) or longer.").waitFor();
    assert.equal(await part.getByRole("table").count(), 0);
  });

  test("have names that are texts", async () => {
    const hostile = "<img src=x onerror=document.title='owned'>";
    await using page = await openChanged((text) => text.replaceAll('statement="insert prompts"', `statement="${hostile}"`));
    assert.ok((await cellsOf(page.region(PART))).some(([name]) => name === hostile));
    assert.deepEqual([await page.locator("main img").count(), (await page.title()) === "owned"], [0, false]);
  });
});

describe("experiments, in words and over time", { concurrency: 2 }, () => {
  test("one that is decided", async () => {
    await using page = await open("experiments");
    await page.getByRole("link", { name: experiments.better }).click();
    await page.getByRole("heading", { name: experiments.better, level: 1 }).waitFor();
    await page.loaded();
    const results = await answer(`/v1/experiments/${encodeURIComponent(experiments.better)}/results`);
    assert.equal(results.verdict, `${HOSTILE} is better`);
    const said = await page.region("Verdict").textContent();
    assert.ok(said.includes(`Verdict: ${HOSTILE} is better. By the sequential test`), said);
    assert.ok(said.includes("Nothing speaks against these figures."));
    assert.ok(!said.includes("mismatch"));
    const rates = (await cellsOf(page.region("Variants"))).map((cells) => cells.slice(0, 4));
    assert.deepEqual(
      rates,
      results.variants.map(({ key, sessions, conversions, rate }) => [
        key,
        whole(sessions),
        whole(conversions),
        percent(rate),
      ]),
    );

    const charts = page.region("Over time").locator("figure");
    assert.equal(await charts.count(), 2);
    const [ofRates, ofDifference] = [charts.nth(0), charts.nth(1)];
    for (const place of [1, 2]) await drawn(page, ofRates, `--series-${place}`);
    await drawn(page, ofDifference, "--series-1");
    const last = (await cellsOf(ofRates)).at(-1);
    assert.deepEqual(
      last.slice(1),
      results.variants.flatMap(({ rate, interval }) => [percent(rate), interval.map(percent).join(" to ")]),
    );
    const { estimate, sequential_interval: band } = results.comparisons[0].absolute;
    const points = (difference) => `${difference > 0 ? "+" : ""}${(difference * 100).toFixed(2)}\u00a0pp`;
    assert.deepEqual((await cellsOf(ofDifference)).at(-1).slice(1), [points(estimate), band.map(points).join(" to ")]);
    assert.ok((await cellsOf(ofDifference)).length > 20);
    assert.ok(await page.region("Metric “revenue”").isVisible());

    await page.getByRole("combobox", { name: "Baseline" }).selectOption(HOSTILE);
    await page.getByText(`control less ${HOSTILE}`).first().waitFor();
    await page.loaded();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "SELECT");
  });

  test("one whose sessions do not come as declared", async () => {
    await using page = await open(VIEWS["an experiment with a mismatch"]);
    const said = await page.region("Verdict").textContent();
    for (const words of [
      "Verdict: do not trust: sample ratio. Sessions do not come to the variants in the shares that were declared.",
      "“control” got 900 of 1,100 sessions, 81.82% in place of 50.00%",
      `“${HOSTILE}” got 200 of 1,100 sessions, 18.18% in place of 50.00%`,
    ]) {
      assert.ok(said.includes(words), said);
    }
    assert.match(said, /\d[\d,]* events came more than an hour late/);
    assert.equal(await page.locator(".warning").count(), 1);
  });

  test("one without sessions, and one that is not there", async () => {
    await using page = await open(`experiments/${experiments.empty}`);
    await page.getByText("Verdict: not enough data.").waitFor();
    await page.getByText("Nothing was rolled up yet.").waitFor();
    await page.goto(`${url}/dashboard#/experiments/none`);
    await page.getByText("There is no experiment with this id.").waitFor();
  });
});

test("numbers lead to the answers that they come from, and the commands do not tell the key", async () => {
  await using page = await open(`prompts/${hostile}`, { permissions: ["clipboard-read", "clipboard-write"] });
  const [counts, dialog] = [page.region("Counts"), page.getByRole("dialog")];
  const views = counts.getByRole("definition").first().getByRole("button");
  await views.click();
  await dialog.getByRole("heading", { name: `GET /v1/prompts/${hostile}/stats` }).waitFor();
  const shown = dialog.getByRole("group", { name: "The answer" });
  assert.deepEqual(JSON.parse(await shown.textContent()), await answer(`/v1/prompts/${hostile}/stats`));
  await dialog.getByRole("button", { name: "Copy curl" }).click();
  await dialog.getByText("The command is copied.").waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(command, `curl '${new URL(`/v1/prompts/${hostile}/stats`, url)}' -H "Authorization: Bearer $SERVICE_KEY"`);
  assert.ok(!(await page.content()).includes(SETTINGS.SERVICE_KEY));
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.ok(await views.evaluate((button) => button === document.activeElement));

  await page.goto(`${url}/dashboard#/`);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.loaded();
  await page.region("How many there are").getByRole("definition").first().getByRole("button").click();
  await dialog.getByText(/^Content-Range: 0-0\/\d+$/).waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.goto(`${url}/dashboard#/health`);
  await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
  await page.loaded();
  await page.region("What did it do?").getByRole("button", { name: "GET /v1/admin/metrics" }).click();
  await dialog.getByText("# TYPE promptmeter_events_total counter").waitFor();
});

test("an answer shows what is posted, what is hostile as text, and a refusal in words", async () => {
  await using page = await open(VIEWS["an experiment"]);
  await page.getByRole("button", { name: "POST /v1/experiments/evaluate" }).click();
  const dialog = page.getByRole("dialog");
  const shown = dialog.getByRole("group", { name: "The answer" });
  assert.ok(JSON.parse(await shown.textContent()).variants.some(({ key }) => key === HOSTILE));
  await dialog.getByText("curl").filter({ hasText: "-d '{\"variants\":" }).waitFor();
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], colorScheme);
  }
  await page.keyboard.press("Escape");
  await page.evaluate(() => sessionStorage.setItem("promptmeter-service-key", "an-old-key"));
  await page.getByRole("button", { name: /^GET .*results/ }).first().click();
  await page.getByText("The instance does not take this key any more.").waitFor();
  await dialog.waitFor({ state: "detached" });
});

describe("everybody can read", { concurrency: 2 }, () => {
  for (const [name, view] of Object.entries(VIEWS)) {
    test(name, async () => {
      await using page = await open(view, { viewport: { width: 360, height: 740 } });
      const { wide, made, title } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        made: document.querySelectorAll("main img, main script, main b, main i").length,
        title: document.title,
      }));
      assert.deepEqual([wide, made, title === "owned"], [0, 0, false]);
      if (!["overview", "health"].includes(name)) assert.ok((await page.locator("main").textContent()).includes(HOSTILE));
      await page.evaluate(axe);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        const violations = await page.evaluate(async () => {
          for (const details of document.querySelectorAll("details")) details.open = true;
          return (await axe.run()).violations;
        });
        const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(
          serious.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`)]),
          [],
          colorScheme,
        );
        for (const figure of await page.locator("figure").all()) await drawn(page, figure, "--series-1");
      }
    });
  }

  test("who has no key yet", async () => {
    await using page = await open("", { key: null });
    await page.evaluate(axe);
    assert.deepEqual(
      (await page.evaluate(() => axe.run())).violations.map(({ id }) => id),
      [],
    );
  });
});

test("by keyboard: past the head, to the choices, and into a table", async () => {
  await using page = await open(`prompts/${hostile}`);
  const focused = () =>
    page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.textContent.trim().slice(0, 30)}`);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "A Skip to the figures");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const reached = [];
  do {
    await page.keyboard.press("Tab");
    reached.push(await focused());
  } while (!reached.at(-1).startsWith("SUMMARY As a table") && reached.length < 60);
  assert.ok(
    reached.some((element) => element.startsWith("SELECT")),
    reached.join("\n"),
  );
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const region = await page.evaluate(() => ({
    open: document.activeElement.closest("details")?.open,
    name: document.activeElement.getAttribute("aria-label"),
  }));
  assert.deepEqual([region.open, /^Views, 30 days by the day/.test(region.name)], [true, true]);

  await page.getByRole("link", { name: "Health" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
  assert.equal(await focused(), "H1 Health");
});

test("what is long comes part by part: a list, and the forks of a prompt", async () => {
  const third = prompts[2];
  const prepare = (page) =>
    page.route("**/v1/prompts/top/*", (route) => route.continue({ url: route.request().url().replace("limit=25", "limit=1") }));
  await using page = await open("lists", { prepare });
  const more = page.getByRole("button", { name: "More" });
  for (const places of [["1"], ["1", "2"], ["1", "2", "3"]]) {
    await until(async () => (await cellsOf(page.region("List"))).map(([place]) => place).join() === places.join());
    if (places.length < 3) await more.click();
  }
  await until(async () => (await more.count()) === 0);

  const as = user(randomUUID());
  for (let forks = 0; forks < 12; forks += 1) await post(`/v1/prompts/${third}/fork`, {}, { as });
  await page.goto(`${url}/dashboard#/prompts/${third}`);
  await page.getByRole("heading", { name: "Third", level: 1 }).waitFor();
  await page.loaded();
  const forks = page.region("Lineage").locator(".tree ul").getByRole("link");
  assert.equal(await forks.count(), 10);
  await page.getByRole("button", { name: "More forks" }).click();
  await until(async () => (await forks.count()) === 12);
});
