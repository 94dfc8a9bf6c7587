// Whether a deployed instance works: a view of a private prompt, counted once though it is sent twice.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

/** Always the same, so that checks leave one counter behind, however many there are. */
const PROMPT = "01963f00-0000-7000-8000-000000000000";
const OWNER = "01963f00-0000-7000-8000-000000000001";
const [PAUSE_MS, ANSWER_MS] = [2_000, 10_000];

/** Waits until the instance answers; a new address may take a minute to be known. Gives why not, or nothing. */
export async function untilHealthy(origin, patienceMs) {
  const end = performance.now() + patienceMs;
  for (;;) {
    const { status, told } = await answerOf(origin, "GET", "/healthz");
    if (status === 200) return undefined;
    if (performance.now() > end) return `${origin}/healthz answers ${status ?? "nothing"}: ${told}`;
    await pause(PAUSE_MS);
  }
}

/** Counts a view as the service, and removes what it made. Gives what is wrong, or nothing. */
export async function checkCounting(origin, serviceKey) {
  const ask = (method, path, options) => answerOf(origin, method, path, { key: serviceKey, ...options });
  const told = ({ status, told }) => `it answers ${status ?? "nothing"}: ${told}`;
  const imported = await importPrompt(ask);
  const isThere = imported.told.includes('"prompts":1');
  const counted = isThere && (await countTwice(ask));
  const removed = [];
  for (const row of [`prompts?id=eq.${PROMPT}`, `users?id=eq.${OWNER}`]) removed.push(await ask("DELETE", `/rest/v1/${row}`));
  if (!isThere) return `${origin} could not import a prompt: ${told(imported)}`;
  if (counted.status !== 200) return `${origin} could not count a view: ${told(counted)}`;
  const left = removed.find(({ status }) => status !== 204);
  return left && `${origin} could not remove the prompt ${PROMPT} and its owner: ${told(left)}`;
}

function importPrompt(ask) {
  const row = { id: PROMPT, user_id: OWNER, title: "Check of a deployment", template: "Removed at once.", is_public: false };
  const body = `${JSON.stringify({ table: "prompts", row })}\n`;
  return ask("POST", "/v1/import", { body, type: "application/x-ndjson" });
}

async function countTwice(ask) {
  const headers = { "Idempotency-Key": randomUUID() };
  const view = () => ask("POST", `/v1/prompts/${PROMPT}/view`, { headers });
  const [first, second] = [await view(), await view()];
  if (first.status !== 200 || second.status !== 200) return first.status === 200 ? second : first;
  const [one, two] = [first.told, second.told].map((told) => JSON.parse(told));
  const isOnce = !one.duplicate && two.duplicate && one.viewCount === two.viewCount && one.viewCount > 0;
  return isOnce ? first : { status: "200, but wrong counts", told: `${first.told} ${second.told}` };
}

/** The status, and the start of what was answered or of why nothing was. */
async function answerOf(origin, method, path, { key, headers = {}, body, type = "application/json" } = {}) {
  const authorization = key && { Authorization: `Bearer ${key}` };
  try {
    const response = await fetch(new URL(path, origin), {
      method,
      headers: { ...(body && { "Content-Type": type }), ...authorization, ...headers },
      body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return { status: response.status, told: (await response.text()).slice(0, 500) };
  } catch (error) {
    return { told: error.cause?.message ?? error.message };
  }
}
