// The benchmark notices what a server does wrong: each case is a server that counts views, and does one thing wrong once.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { compare } from "../../bench/counting/accounts.mjs";
import { startClient } from "../../bench/counting/client.mjs";
import { KINDS } from "../../bench/counting/requests.mjs";

const REQUESTS = 60;
/** Which of the requests is answered wrongly. */
const ODD = 30;

const client = startClient();
after(() => client.end());

/** What is in a request: the prompts of its views. */
function viewed(kind, path, body) {
  if (kind === "baseline") return [path.slice(1)];
  if (kind.startsWith("durable")) return [path.split("/")[3]];
  return [JSON.parse(body)].flat().map(({ prompt_id }) => prompt_id);
}

function rightAnswer(kind, views, value) {
  if (kind === "baseline") return String(value);
  if (kind.startsWith("durable")) return JSON.stringify({ viewCount: value, duplicate: false });
  return JSON.stringify(KINDS[kind].status === 202 ? { queued: views } : { accepted: views, duplicates: 0, rejected: [] });
}

/** A server that counts; `odd` changes what becomes of one request: `{ stored, status, body, breaks }`. */
async function serve(kind, odd) {
  const counts = new Map();
  let requests = 0;
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    const isOdd = ++requests === ODD;
    const prompts = viewed(kind, request.url, body);
    const value = (counts.get(prompts[0]) ?? 0) + 1;
    const answer = { stored: prompts, status: KINDS[kind].status, body: rightAnswer(kind, prompts.length, value) };
    if (isOdd) Object.assign(answer, odd(answer, value));
    for (const prompt of answer.stored) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
    if (answer.breaks) return request.socket.destroy();
    response.writeHead(answer.status, isOdd && answer.status === 500 ? { connection: "close" } : {}).end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  return { port: server.address().port, counts };
}

/** What the benchmark says of a server: `[requests in error, wrong values, lost, doubled]`. */
async function judged(kind, odd, prompts, connections) {
  const { port, counts } = await serve(kind, odd);
  const ids = Array.from({ length: prompts }, (_, number) => `prompt-${number}`);
  const plan = { port, kind, ids, connections, seconds: 30, atMost: REQUESTS };
  const { sent, errors, wrong, ...told } = await client.run(plan);
  assert.equal(sent, REQUESTS);
  const { lost, doubled, ahead } = compare(told, ids.map((id) => counts.get(id) ?? 0));
  return [Object.values(errors).reduce((sum, count) => sum + count, 0), wrong + ahead, lost, doubled];
}

const check = (what, odd, expected, kinds, [spreads, connections] = [[1, 5], 4]) => {
  for (const kind of kinds) {
    for (const prompts of spreads) {
      test(`${kind}, ${prompts} prompts: ${what}`, async () => {
        assert.deepEqual(await judged(kind, odd, prompts, connections), expected);
      });
    }
  }
};

const VALUED = ["baseline", "durable", "durableWithoutId"];
const SINGLE = [...VALUED, "async", "asyncWithId"];
const ALL = [...SINGLE, "batch100", "batch500"];

check("nothing is wrong", () => ({}), [0, 0, 0, 0], ALL);
check("an acknowledged request is not stored", ({ stored }) => ({ stored: stored.slice(1) }), [0, 0, 1, 0], ["async", "asyncWithId", "batch100", "batch500"]);
check("a request is stored twice", ({ stored }) => ({ stored: [...stored, stored[0]] }), [0, 0, 0, 1], ALL);
check("a request is stored and answered with an error", () => ({ status: 500, body: "" }), [1, 0, 0, 0], ALL);
check("a request is not stored and answered with an error", () => ({ status: 500, body: "", stored: [] }), [1, 0, 0, 0], ALL);
check("another status", () => ({ status: 207 }), [1, 0, 0, 0], ALL);
check("another body", () => ({ body: "{}" }), [1, 0, 0, 0], ["async", "asyncWithId", "batch100", "batch500"]);
check("the connection breaks", () => ({ breaks: true }), [1, 0, 0, 0], ALL);
check("no value", () => ({ body: "{}" }), [0, 1, 0, 0], VALUED);

/** Values are compared with those of views before; over one connection it is known which these are. */
const checkValues = (what, odd, expected) => {
  for (const kind of VALUED) {
    const tell = (value) => ({ body: rightAnswer(kind, 1, value) });
    check(what, (_, value) => odd(tell, value), expected, [kind], [[1], 1]);
  }
};
// The view after the one that is lost is told its value, too.
checkValues("a value that is not stored", () => ({ stored: [] }), [0, 1, 1, 0]);
checkValues("the first value again", (tell) => tell(1), [0, 1, 0, 0]);
checkValues("a value that will be another one's", (tell, value) => tell(value + 20), [0, 20, 0, 0]);
checkValues("a value that is never reached", (tell) => tell(1000), [0, REQUESTS - ODD + 1, 0, 0]);
check("a duplicate of an id that is new", () => ({ body: '{"viewCount":30,"duplicate":true}' }), [0, 1, 0, 0], VALUED);
