// What the runtime calls: the worker, and a door in front of it. While more is in hand than may be, requests are refused here,
// before WebAssembly is entered and without being looked at: to refuse has to cost a small part of what an answer costs.
// `scripts/door.mjs` puts this file before the worker that worker-build made; `door_state.js` closes and opens the door.
import Worker from "promptmeter-worker";

export * from "promptmeter-worker";

/** Bytes of a body that the runtime reads by itself when nobody else does. */
const UNREAD_BYTES = 32 * 1024;

/** The answer to a request that is not let in; nothing for one that has to be looked at. */
function refusal(request, { headers, problem, dataError, open }) {
  const { method, url } = request;
  const [path] = url.slice(url.indexOf("/", 8)).split("?", 1);
  if (method === "OPTIONS" || open.includes(path)) return;
  const isBodiless = method === "GET" || method === "HEAD";
  if (!isBodiless && !(Number(request.headers.get("content-length") ?? Infinity) <= UNREAD_BYTES)) return;
  const [type, body] = path.startsWith("/rest/v1/") ? ["application/json", dataError] : ["application/problem+json", problem];
  return new Response(body, { status: 503, headers: { ...headers, "Content-Type": type } });
}

export default {
  fetch(request, env, context) {
    const { door } = globalThis;
    if (door?.closedUntil > Date.now()) {
      const refused = refusal(request, door);
      if (refused) {
        door.refused++;
        return refused;
      }
    }
    return new Worker(context, env).fetch(request);
  },

  scheduled(event, env, context) {
    return new Worker(context, env).scheduled(event);
  },
};
