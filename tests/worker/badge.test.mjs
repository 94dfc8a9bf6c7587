// Badges: what they tell, to whom, and how long that may be kept.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { service, start, until, user } from "./instance.mjs";

const { events, get, post, prompt, send } = await start();

const badge = (id, query = "", options) => get(`/v1/prompts/${id}/badge.svg${query}`, options);
/** The label and the count of a badge, as who does not see it is told. */
const told = ({ body }) => /<title>(.*)<\/title>/.exec(body)?.[1];

describe("a badge", () => {
  test("tells each metric within ten seconds, and is the same until it changes", async () => {
    const slug = `badge-${randomUUID()}`;
    const id = await prompt({ slug });
    const first = await badge(id);
    assert.deepEqual([first.status, told(first)], [200, "views: 0"]);
    const tag = first.headers.get("etag");
    const again = await badge(id, "", { headers: { "if-none-match": tag } });
    assert.deepEqual([again.status, again.body, again.headers.get("etag")], [304, "", tag]);
    assert.equal(again.headers.get("cache-control"), "public, no-cache");

    await events(Array.from({ length: 3 }, (_, index) => ({ type: "view", prompt_id: id, visitor: `${index % 2}` })), { as: service });
    await post(`/v1/prompts/${id}/copy`);
    await post(`/v1/prompts/${id}/compare`, undefined, { as: user(randomUUID()) });
    const changed = await until(async () => {
      const answer = await badge(slug, "", { headers: { "if-none-match": tag } });
      return told(answer) === "views: 3" && answer;
    });
    assert.notEqual(changed.headers.get("etag"), tag);
    for (const [metric, expected] of Object.entries({
      copy: "copies: 1",
      fork: "forks: 0",
      compare: "comparisons: 1",
      visit: "visits: 2",
      visitor: "visitors: 2",
      like: "likes: 0",
    })) {
      assert.equal(told(await badge(id, `?metric=${metric}`)), expected);
    }
  });

  test("is a picture that image proxies take and check, and pages of others show", async () => {
    const id = await prompt();
    const { status, headers } = await badge(id, "?style=for-the-badge&label=seen&color=f80");
    const expected = {
      "content-type": "image/svg+xml; charset=utf-8",
      "cache-control": "public, no-cache",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "cross-origin-resource-policy": "cross-origin",
      vary: "Authorization, apikey",
    };
    assert.deepEqual([status, Object.fromEntries(Object.keys(expected).map((name) => [name, headers.get(name)]))], [200, expected]);
    const head = await send("HEAD", `/v1/prompts/${id}/badge.svg`);
    assert.deepEqual([head.status, head.body, head.headers.get("content-type")], [200, "", expected["content-type"]]);
  });

  test("of a prompt that is not public is the owner's alone, and nobody else keeps it", async () => {
    const owner = randomUUID();
    const id = await prompt({ user_id: owner, is_public: false });
    const others = [
      [id, {}],
      [id, { as: user(randomUUID()) }],
      [randomUUID(), { as: service }],
      ["no such prompt", {}],
      ["x".repeat(200), {}],
    ];
    for (const [name, options] of others) {
      const { status, body, headers } = await badge(encodeURIComponent(name), "", options);
      assert.deepEqual([status, body.code, headers.get("content-type")], [404, "unknown_prompt", "application/problem+json"]);
      assert.equal(headers.get("cache-control"), "no-store");
    }
    for (const as of [user(owner), service]) {
      const { status, headers } = await badge(id, "", { as });
      assert.deepEqual([status, headers.get("cache-control")], [200, "private, no-cache"]);
    }
  });

  test("that cannot be drawn is refused", async () => {
    const id = await prompt();
    for (const [query, code] of [
      ["?metric=bot", "invalid_value"],
      ["?style=round", "invalid_value"],
      ["?color=url(%23x)", "invalid_value"],
      [`?label=${"x".repeat(101)}`, "invalid_length"],
    ]) {
      const { status, body } = await badge(id, query);
      assert.deepEqual([status, body.code], [400, code], query);
    }
    const { status, headers } = await post(`/v1/prompts/${id}/badge.svg`);
    assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD, OPTIONS"]);
  });

  test("has any text as its label, and nothing but text", async () => {
    const id = await prompt();
    const label = `</title><script>alert(1)</script>\0\uFFFF"'&`;
    const { status, body } = await badge(id, `?label=${encodeURIComponent(label)}`);
    assert.equal(status, 200);
    assert.equal(told({ body }), "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;\uFFFD\uFFFD&quot;&#39;&amp;: 0");
    assert.ok(!body.includes("<script"));
  });
});
