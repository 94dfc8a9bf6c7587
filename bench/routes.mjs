// What a request of each route has the platform do, and what a million of them cost: make bench-routes
//
// By the metrics of the instance, as the median of 20 requests. What is done after the answer (what is queued, snapshots, roll-ups)
// is not in it: `make bench` has that of views, `make bench-experiments` that of experiments.
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userToken } from "../scripts/jwt.mjs";
import { median } from "./counting/figures.mjs";
import { dollars } from "./counting/prices.mjs";
import { measureStartup } from "./counting/startup.mjs";
import { SERVICE as service, prepare, serveSubject } from "./counting/subjects.mjs";

const ROOT = join(import.meta.dirname, "..");
const SAMPLE = JSON.parse(readFileSync(join(ROOT, "public/library/sample.json"), "utf8"));
const JWT_SECRET = randomUUID();
const TIMES = 20;

const ids = SAMPLE.prompts.map(({ id }) => id);
const [first, second] = ids;
const templates = SAMPLE.prompts.map(({ template_id }) => template_id);
const user = { authorization: `Bearer ${userToken(randomUUID(), JWT_SECRET)}` };
const event = (type, more) => ({ id: randomUUID(), type, ...more });
const exposure = () => event("exposure", { experiment_id: "title", session_id: randomUUID(), variant_key: "short" });
const line = (row) => `${JSON.stringify({ table: "prompts", row })}\n`;
const prompt = (row = {}) => ({ id: randomUUID(), user_id: SAMPLE.user_id, title: "A title", template: "A template", is_public: true, ...row });

/** A request of each route by its name in the OpenAPI document: the path, and what else is not as usual. */
const REQUESTS = {
  "GET /healthz": () => ["/healthz"],
  "POST /v1/events": () => ["/v1/events", { body: [event("view", { prompt_id: first })] }],
  "POST /v1/events, ack=async": () => ["/v1/events?ack=async", { body: [event("view", { prompt_id: first })] }],
  "POST /v1/events, 500 views of one prompt": () => ["/v1/events", { body: Array.from({ length: 500 }, () => event("view", { prompt_id: first })) }],
  "POST /v1/events, 30 views of 30 prompts": () => ["/v1/events", { body: ids.map((prompt_id) => event("view", { prompt_id })) }],
  "POST /v1/events, a fork": () => ["/v1/events", { as: user, body: [event("fork", { prompt_id: first })] }],
  "POST /v1/events, an exposure": () => ["/v1/events", { body: [exposure()] }],
  "POST /v1/events, 500 exposures": () => ["/v1/events", { body: Array.from({ length: 500 }, exposure) }],
  "POST /v1/usage": () => ["/v1/usage", { as: user, body: [{ id: randomUUID(), prompt_id: first, scene: "page", generation_time_ms: 900 }] }],
  "POST /v1/prompts": () => ["/v1/prompts", { as: user, body: { title: "A title", template: "A template" } }],
  "POST /v1/prompts/{id}/fork": () => [`/v1/prompts/${first}/fork`, { as: user, body: {} }],
  "POST /v1/prompts/{id}/view": () => [`/v1/prompts/${first}/view`, { body: "" }],
  "POST /v1/prompts/{id}/copy": () => [`/v1/prompts/${first}/copy`, { body: "" }],
  "POST /v1/prompts/{id}/compare": () => [`/v1/prompts/${first}/compare`, { as: user, body: {} }],
  "GET /v1/prompts/{id}/stats": () => [`/v1/prompts/${first}/stats`],
  "GET /v1/prompts/{id}/badge.svg": () => [`/v1/prompts/${first}/badge.svg`],
  "GET /v1/prompts/stats": () => [`/v1/prompts/stats?ids=${ids}`],
  "GET /v1/prompts/top/{id}": () => ["/v1/prompts/top/trending"],
  "GET /v1/prompts/{id}/usage/scenes": () => [`/v1/prompts/${first}/usage/scenes`],
  "GET /v1/prompts/{id}/series": () => [`/v1/prompts/${first}/series?interval=day`],
  "GET /v1/prompts/{id}/funnel": () => [`/v1/prompts/${first}/funnel`],
  "GET /v1/prompts/{id}/lineage": () => [`/v1/prompts/${first}/lineage`],
  "GET /v1/prompts/{id}/compared": () => [`/v1/prompts/${first}/compared`],
  "GET /v1/templates/search": () => ["/v1/templates/search?q=plain+language"],
  "PUT /v1/experiments/{id}": () => ["/v1/experiments/other", { as: service, body: { variants: [{ key: "a" }, { key: "b" }], name: randomUUID() } }],
  "GET /v1/experiments/{id}/assignment": () => [`/v1/experiments/title/assignment?unit=${randomUUID()}`],
  "GET /v1/experiments/{id}/summary": () => ["/v1/experiments/title/summary", { as: service }],
  "GET /v1/experiments/{id}/results": () => ["/v1/experiments/title/results", { as: service }],
  "POST /v1/experiments/evaluate": () => [
    "/v1/experiments/evaluate",
    { body: { variants: ["a", "b"].map((key) => ({ key, sessions: 1000, conversions: 100 })) } },
  ],
  "POST /v1/import": () => ["/v1/import", { as: service, type: "application/x-ndjson", body: line(prompt()) }],
  "GET /v1/export": () => ["/v1/export", { as: service }],
  "GET /v1/admin/verify": () => ["/v1/admin/verify?limit=10", { as: service }],
  "POST /v1/admin/retract": () => ["/v1/admin/retract", { as: service, body: { ip: "203.0.113.7", prompt_ids: [second] } }],
  "GET /v1/admin/series": () => ["/v1/admin/series", { as: service }],
  "GET /v1/admin/runs": () => ["/v1/admin/runs", { as: service }],
  "GET /v1/admin/metrics": () => ["/v1/admin/metrics", { as: service }],
  "GET /rest/v1/prompts": () => ["/rest/v1/prompts?select=id,title,prompt_answers(*)&order=created_at.desc&limit=20", { as: user }],
  "POST /rest/v1/prompts": () => ["/rest/v1/prompts", { as: user, body: { title: "A title", template: "A template" } }],
  "POST /rest/v1/template_likes": (time) => ["/rest/v1/template_likes", { as: user, body: { template_id: templates[time] } }],
  "POST /rest/v1/rpc/increment_prompt_views": () => ["/rest/v1/rpc/increment_prompt_views", { body: { prompt_id: first } }],
};

/** Paths of the data dialect are tables and functions, of which there are many; live counts do not end. */
const isTold = (route) => !route.includes("/rest/v1/") && route !== "GET /v1/prompts/{id}/live";

function checkComplete() {
  const { paths } = JSON.parse(readFileSync(join(ROOT, "public/openapi.json"), "utf8"));
  const methods = ["get", "post", "put", "patch", "delete"];
  const routes = Object.entries(paths).flatMap(([path, has]) => methods.filter((method) => has[method]).map((method) => `${method.toUpperCase()} ${path}`));
  const missing = routes.filter((route) => isTold(route) && !(route in REQUESTS));
  if (missing.length > 0) throw new Error(`there is no request of ${missing.join(", ")}`);
}

const state = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
process.on("exit", () => rmSync(state, { recursive: true, force: true }));

async function ask(server, method, [path, { as = {}, body, type = "application/json" } = {}]) {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const headers = { ...as, ...(text && { "content-type": type }) };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers, body: method === "GET" ? undefined : text });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${answer}`);
}

const METERS = ["object_calls", "object_rows_read", "object_rows_written", "d1_rows_read", "d1_rows_written"];

async function readings(server) {
  const metrics = await server.metrics();
  return METERS.map((meter) => metrics[`promptmeter_${meter}_total`]);
}

/** The medians of what is done between two readings, in which `work` is done. */
async function medians(server, work) {
  const costs = [];
  for (let time = 1; time <= TIMES; time++) {
    const before = await readings(server);
    await work(time);
    const after = await readings(server);
    costs.push(after.map((reading, meter) => reading - before[meter]));
  }
  return METERS.map((_, meter) => median(costs.map((cost) => cost[meter])));
}

/** What one request of a route needs. Its first is not looked at: it wakes what sleeps. */
async function needed(server, name, request, idle) {
  const work = (time) => ask(server, name.split(" ")[0], request(time));
  await work(0);
  const costs = await medians(server, work);
  return Object.fromEntries(METERS.map((meter, place) => [meter, costs[place] - idle[place]]));
}

/** A library, and an experiment that runs. */
async function fill(server) {
  const rows = SAMPLE.prompts.map(({ template_id, ...row }) => line(prompt({ ...row })));
  await ask(server, "POST", ["/v1/import", { as: service, type: "application/x-ndjson", body: rows.join("") }]);
  const offered = SAMPLE.prompts.map(({ id, template_id, category, tags }) => ({ id: template_id, prompt_id: id, category, tags }));
  await ask(server, "POST", ["/rest/v1/prompt_templates", { as: service, body: offered }]);
  await ask(server, "PUT", ["/v1/experiments/title", { as: service, body: { variants: [{ key: "short" }, { key: "long" }] } }]);
}

checkComplete();
prepare("promptmeter", state);
const server = await serveSubject("promptmeter", state, { JWT_SECRET, METRICS_INTERVAL: "0" });
await fill(server);
// Reading the metrics needs something, too.
const idle = await medians(server, () => {});
console.log("| route | calls to objects | their rows read | written | rows of D1 read | written | $ per million |");
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const [name, request] of Object.entries(REQUESTS)) {
  const needs = await needed(server, name, request, idle);
  const price = dollars({ requests: 1, ...needs }) * 1e6;
  console.log(`| \`${name}\` | ${Object.values(needs).join(" | ")} | ${price.toFixed(2)} |`);
}
await server.stop();
const { startup_ms } = await measureStartup(state);
console.log(`\nThe worker's script takes workerd ${startup_ms.toFixed(1)} ms at the start.\n`);
