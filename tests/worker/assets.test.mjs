// Static files: the same under wrangler and under `make serve`, with everything else left to the worker.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startInHarness } from "./harness.mjs";
import { ROOT } from "./instance.mjs";
import { Served } from "./served.mjs";

const served = await Served.make();
after(() => served.end());
const instances = { wrangler: await startInHarness(), "make serve": await served.start({ assets: true }) };

const FOR_PAGES_OF_OTHERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600",
  "cross-origin-resource-policy": "cross-origin",
};
const FOR_CALLERS = { ...FOR_PAGES_OF_OTHERS, "cache-control": "public, max-age=300" };
const FOR_ALL = {
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  "referrer-policy": "strict-origin-when-cross-origin",
  "x-content-type-options": "nosniff",
};
const FOR_THIS_SITE = {
  "access-control-allow-origin": null,
  "cache-control": "public, max-age=0, must-revalidate",
  "cross-origin-resource-policy": null,
};
const WITHOUT_HTML_IN_SCRIPTS = {
  "content-security-policy": `${FOR_ALL["content-security-policy"]}, require-trusted-types-for 'script'; trusted-types 'none'`,
};
const JAVASCRIPT = /^text\/javascript/;
const FILES = [
  ["/pm.js", JAVASCRIPT, FOR_PAGES_OF_OTHERS],
  ["/pm-count.js", JAVASCRIPT, FOR_PAGES_OF_OTHERS],
  ["/pm.mjs", JAVASCRIPT, FOR_PAGES_OF_OTHERS],
  ["/pm.d.ts", /^text\/plain; charset=utf-8$/, FOR_PAGES_OF_OTHERS],
  ["/openapi.json", /^application\/json/, FOR_CALLERS],
  ["/library/main.mjs", JAVASCRIPT, FOR_THIS_SITE],
  ["/library/library.css", /^text\/css/, FOR_THIS_SITE],
  ["/library/sample.json", /^application\/json/, FOR_THIS_SITE],
  ["/", /^text\/html/, { ...FOR_THIS_SITE, ...WITHOUT_HTML_IN_SCRIPTS }],
];

for (const [name, { url, get, post }] of Object.entries(instances)) {
  describe(name, () => {
    for (const [path, type, more] of FILES) {
      test(path, async () => {
        const answer = await get(path, { headers: { origin: "https://pages.example" } });
        const text = await readFile(join(ROOT, "public", path === "/" ? "index.html" : path), "utf8");
        assert.deepEqual([answer.status, answer.body], [200, typeof answer.body === "string" ? text : JSON.parse(text)]);
        assert.match(answer.headers.get("content-type"), type);
        for (const [header, expected] of Object.entries({ ...FOR_ALL, ...more })) {
          assert.equal(answer.headers.get(header), expected, header);
        }
        const tag = answer.headers.get("etag");
        const again = await fetch(url + path, { headers: { "if-none-match": tag } });
        assert.deepEqual([again.status, await again.text(), again.headers.get("etag")], [304, "", tag]);
        const other = await fetch(url + path, { headers: { "if-none-match": '"another"' } });
        assert.deepEqual([other.status, await other.text()], [200, text]);
        const head = await fetch(url + path, { method: "HEAD" });
        assert.deepEqual([head.status, await head.text(), head.headers.get("etag")], [200, "", tag]);
        assert.equal((await post(path, "")).status, 405);
      });
    }

    for (const [path, file, type] of [
      ["/dashboard", "dashboard.html", /^text\/html/],
      ["/dashboard/dashboard.mjs", "dashboard/dashboard.mjs", JAVASCRIPT],
      ["/dashboard/uplot.mjs", "dashboard/uplot.mjs", JAVASCRIPT],
      ["/dashboard/dashboard.css", "dashboard/dashboard.css", /^text\/css/],
    ]) {
      test(`${path}, which pages of others do not load`, async () => {
        const { status, body, headers } = await get(path);
        assert.deepEqual([status, body], [200, await readFile(join(ROOT, "public", file), "utf8")]);
        assert.match(headers.get("content-type"), type);
        for (const [header, expected] of Object.entries(FOR_ALL)) assert.equal(headers.get(header), expected, header);
        for (const header of ["access-control-allow-origin", "cross-origin-resource-policy"]) assert.equal(headers.get(header), null);
      });
    }

    for (const [path, location] of [
      ["/dashboard/", "/dashboard"],
      ["/dashboard/?a=b", "/dashboard?a=b"],
      ["/dashboard.html", "/dashboard"],
      ["/dashboard/index.html", "/dashboard"],
      ["/index.html", "/"],
      ["/index", "/"],
    ]) {
      test(`${path} leads to its page`, async () => {
        const answer = await fetch(url + path, { redirect: "manual" });
        assert.deepEqual([answer.status, answer.headers.get("location"), await answer.text()], [307, location, ""]);
        assert.equal((await post(path, "")).status, 405);
        const followed = await get(path);
        assert.deepEqual([followed.status, followed.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
      });
    }

    for (const path of ["/_headers", "/pm", "/pm.js/", "/nothing", "/v1/nothing", "/FILES", "/MAIN", "/library/", "/dashboard/index/", "/toString"]) {
      test(`the worker answers ${path}, which is no file`, async () => {
        const { status, headers, body } = await get(path, { headers: { accept: "text/html", "sec-fetch-mode": "navigate" } });
        assert.deepEqual([status, headers.get("content-type"), body.code], [404, "application/problem+json", "unknown_route"]);
        assert.equal(headers.get("content-security-policy"), null);
      });
    }

    test("the worker answers its routes", async () => {
      const health = await get("/healthz");
      assert.deepEqual([health.status, health.body.status], [200, "ok"], JSON.stringify(health.body));
      const events = await post("/v1/events", []);
      assert.deepEqual([events.status, events.body.accepted], [200, 0]);
      assert.equal((await get("/v1/events")).status, 405);
    });
  });
}
