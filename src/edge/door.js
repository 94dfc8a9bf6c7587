// The door in front of WebAssembly. While more is in hand than may be, requests are refused here, without being looked at: to
// refuse has to cost a small part of what an answer costs. `admission.rs` closes and opens it.
const door = { closedUntil: 0, refused: 0 };

/** Bytes of a body that the runtime reads by itself when nobody else does. */
const UNREAD_BYTES = 32 * 1024;

const taken = () => {
  const { refused } = door;
  door.refused = 0;
  return refused;
};

/**
 * Closes the door until then; gives how many were refused since this was told.
 * @param lines the headers of what is answered there, as `name:value`
 * @param problem its body, and `dataError` that of the data dialect
 * @param open paths that are let in, a line each
 */
export function closeDoor(until, lines, problem, dataError, open) {
  const headers = lines.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]);
  Object.assign(door, { closedUntil: until, headers: Object.fromEntries(headers), problem, dataError, open: open.split("\n") });
  return taken();
}

/** Opens it, and gives the same. */
export function openDoor() {
  door.closedUntil = 0;
  return taken();
}

/** The answer to a request that is not let in; nothing for one that has to be looked at. */
export function refusal(request) {
  if (door.closedUntil <= Date.now()) return;
  const { method, url } = request;
  const [path] = url.slice(url.indexOf("/", 8)).split("?", 1);
  if (method === "OPTIONS" || door.open.includes(path)) return;
  const isBodiless = method === "GET" || method === "HEAD";
  if (!isBodiless && !(Number(request.headers.get("content-length") ?? Infinity) <= UNREAD_BYTES)) return;
  door.refused++;
  const [type, body] = path.startsWith("/rest/v1/") ? ["application/json", door.dataError] : ["application/problem+json", door.problem];
  return new Response(body, { status: 503, headers: { ...door.headers, "Content-Type": type } });
}
