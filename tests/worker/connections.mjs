// Callers that each have a connection of their own, and may break it: the requests of `fetch` share connections.
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const PATIENCE_MS = 40_000;

/** A caller of the worker at `origin`. */
export function connect(origin) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /**
   * Sends a request and gives the answer; null where none came. A caller that `leaves` resets its connection so many
   * milliseconds after the request was sent, unless it has its answer by then: the server learns that at once.
   */
  function ask(method, path, body, { headers = {}, leaves } = {}) {
    const text = body === undefined ? "" : JSON.stringify(body);
    const type = body === undefined ? {} : { "content-type": "application/json" };
    return new Promise((resolve) => {
      let isAnswered = false;
      const sent = request(new URL(path, origin), {
        agent,
        method,
        timeout: PATIENCE_MS,
        headers: { ...type, "content-length": Buffer.byteLength(text), ...headers },
      });
      sent.on("error", () => resolve(null));
      sent.on("timeout", () => sent.destroy());
      sent.on("response", (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", () => resolve(null));
        response.on("end", () => {
          isAnswered = true;
          resolve({ status: response.statusCode, headers: response.headers, body: parsed(response, chunks) });
        });
      });
      if (leaves !== undefined) {
        sent.on("finish", () => pause(leaves).then(() => isAnswered || sent.socket.resetAndDestroy()));
      }
      sent.end(text);
    });
  }

  return {
    post: (path, body, options) => ask("POST", path, body, options),
    get: (path, options) => ask("GET", path, undefined, options),
    end: () => agent.destroy(),
  };
}

/** Has callers of `origin` send `each` requests, each caller one after another, by `send(caller, number)`; gives all answers. */
export async function trafficTo(origin, count, each, send) {
  const callers = Array.from({ length: count }, () => connect(origin));
  const answers = await Promise.all(callers.map(async (caller) => {
    const mine = [];
    for (let sent = 0; sent < each; sent++) mine.push(await send(caller, sent));
    return mine;
  }));
  for (const caller of callers) caller.end();
  return answers.flat();
}

/** JSON where it is that, and text otherwise. */
function parsed({ headers }, chunks) {
  const text = Buffer.concat(chunks).toString();
  return headers["content-type"]?.includes("json") ? JSON.parse(text) : text;
}
