// Those who listen to server-sent events, each with a connection of its own.
import { request } from "node:http";

/**
 * Begins to listen at a path of `origin`. Gives the answer's `status` and `headers`; `text`, all that came so far, and `events`,
 * the events in it; whether it `isOver`; and `leave`, which breaks the connection.
 */
export function listen(origin, path, { headers = {}, method = "GET" } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, origin), { agent: false, method, headers: { accept: "text/event-stream", ...headers } });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const listener = {
        status: response.statusCode,
        headers: response.headers,
        text: "",
        isOver: false,
        get events() {
          return eventsOf(this.text);
        },
        leave: () => sent.destroy(),
      };
      response.setEncoding("utf8");
      response.on("data", (part) => (listener.text += part));
      for (const name of ["end", "error", "close"]) response.on(name, () => (listener.isOver = true));
      sent.removeListener("error", reject).on("error", () => (listener.isOver = true));
      resolve(listener);
    });
    sent.end();
  });
}

/** The events of a stream: `id` and `data`, which is JSON. */
function eventsOf(text) {
  const blocks = text.split("\n\n").slice(0, -1);
  return blocks.flatMap((block) => {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    return fields.data ? [{ id: fields.id, data: JSON.parse(fields.data) }] : [];
  });
}
