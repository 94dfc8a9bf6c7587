// Bytes as they are, over a socket of their own: what HTTP libraries refuse to send.
import { connect } from "node:net";

const PATIENCE_MS = 20_000;

/**
 * Sends `bytes` and gives the status codes of the answers, in their order, until there are `answers` of them or the server
 * closes. With `leaves` the client closes behind the bytes, and waits for nothing; with `ends` it sends nothing more, and listens.
 */
export function exchange(port, bytes, { answers = 1, leaves = false, ends = false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    const finish = () => {
      clearTimeout(patience);
      socket.destroy();
      resolve(statuses(received));
    };
    const patience = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer to ${bytes.subarray(0, 200).toString("latin1")}: ${received.toString("latin1")}`));
    }, PATIENCE_MS);
    socket.on("connect", () => socket.write(bytes, () => (leaves ? finish() : ends && socket.end())));
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      if (statuses(received).filter((status) => status >= 200).length >= answers) finish();
    });
    socket.on("error", finish); // the server resets what it will not read to its end
    socket.on("close", finish);
  });
}

/**
 * Sends the beginning of a request: `finish(bytes)` sends the rest, `answer` is the head of the answer, as text.
 */
export function begin(port, bytes) {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  const answer = new Promise((resolve, reject) => {
    let received = "";
    socket.setTimeout(PATIENCE_MS, () => reject(new Error(`no answer: ${received}`)));
    socket.on("error", reject);
    socket.on("data", (data) => {
      received += data.toString("latin1");
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.destroy();
      resolve(received.slice(0, end));
    });
  });
  return { answer, finish: (rest) => socket.write(rest) };
}

/** The status codes of the answers in these bytes whose heads are whole. */
function statuses(received) {
  const found = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    const head = end < 0 ? null : rest.subarray(0, end).toString("latin1");
    const status = head && /^HTTP\/1\.[01] (\d{3})/.exec(head);
    if (!status) return found;
    found.push(Number(status[1]));
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    rest = rest.subarray(end + 4 + length);
  }
}
