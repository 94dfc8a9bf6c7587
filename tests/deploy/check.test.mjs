// The check of a deployed instance, on the built worker and on servers that have something wrong.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { checkCounting, untilHealthy } from "../../scripts/deploy/check.mjs";
import { SETTINGS, start } from "../worker/instance.mjs";

const instance = await start();

/** A server in front of the instance; `change` gets each answer and may give another one. */
async function behind(change) {
  const server = createServer(async (request, response) => {
    const body = [];
    for await (const chunk of request) body.push(chunk);
    const { method, url, headers } = request;
    const kept = Object.fromEntries(["authorization", "content-type", "idempotency-key"].flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])));
    const answer = await fetch(new URL(url, instance.url), { method, headers: kept, body: body.length ? Buffer.concat(body) : undefined });
    const { status, text } = change({ method, path: url, status: answer.status, text: await answer.text() });
    response.writeHead(status).end(status === 204 ? undefined : text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

const left = async () => [await instance.sql("select id from prompts"), await instance.sql("select id from users")];

test("an instance that is well passes, again and again, and has nothing left of it", async () => {
  assert.equal(await untilHealthy(instance.url, 0), undefined);
  for (let round = 0; round < 3; round++) {
    assert.equal(await checkCounting(instance.url, SETTINGS.SERVICE_KEY), undefined);
    assert.deepEqual(await left(), [[], []]);
  }
});

let views = 0;
for (const [what, change, expected] of [
  ["counts the same view twice", (answer) => ({ ...answer, text: answer.text.replace(/"viewCount":\d+/, () => `"viewCount":${++views}`) }), /could not count a view: it answers 200, but wrong counts/],
  ["knows no id", (answer) => ({ ...answer, text: answer.text.replace('"duplicate":true', '"duplicate":false') }), /wrong counts/],
  ["answers views with an error", (answer) => (answer.path.endsWith("/view") ? { status: 503, text: "away" } : answer), /could not count a view: it answers 503: away/],
  ["refuses prompts", (answer) => (answer.path === "/v1/import" ? { status: 200, text: '{"imported":{"prompts":0}}' } : answer), /could not import a prompt/],
  ["keeps what is to be removed", (answer) => (answer.method === "DELETE" ? { status: 503, text: "away" } : answer), /could not remove the prompt .* answers 503/],
]) {
  test(`one that ${what} does not`, async () => {
    assert.match(await checkCounting(await behind(change), SETTINGS.SERVICE_KEY), expected);
    assert.deepEqual(await left(), [[], []]);
  });
}

test("one that is not healthy is told with what it says", async () => {
  const ill = await behind((answer) => ({ ...answer, status: 503, text: '{"status":"failing"}' }));
  assert.match(await untilHealthy(ill, 0), /healthz answers 503: \{"status":"failing"\}/);
});
