// An HTTP/1.1 connection that is kept: a request, its answer, the next request.
import { connect } from "node:net";

/** The longest answer that is read. */
const ANSWER_BYTES = 1 << 20;

/** The answer that a text begins with, and whether the connection ends with it; null as long as it is not whole. */
export function readAnswer(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const status = Number(text.slice(9, 12));
  const head = text.slice(0, end);
  const isLast = /\r\nconnection: *close/i.test(head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  let body = "";
  if (length) body = text.length - end - 4 < Number(length[1]) ? null : text.slice(end + 4);
  else if (/\r\ntransfer-encoding: *chunked/i.test(head)) body = withoutChunks(text, end + 4);
  return body === null ? null : { status, body, isLast };
}

function withoutChunks(text, start) {
  for (let [body, at] = ["", start]; ; ) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (text.length < line + 2 + size + 2) return null;
    if (size === 0) return body;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/**
 * Opens a connection to a port of this machine.
 * @param answered called with each answer
 * @param failed called once, with the reason, when the connection broke
 * @param readBytes how much is read at a time
 */
export function open(port, answered, failed, readBytes = 1 << 16) {
  let text = "";
  let isBroken = false;
  const fail = (reason) => {
    if (isBroken) return;
    isBroken = true;
    socket.destroy();
    failed(reason);
  };
  const read = (length, buffer) => {
    text += buffer.latin1Slice(0, length);
    const answer = readAnswer(text);
    if (answer) {
      text = "";
      answered(answer);
    } else if (text.length > ANSWER_BYTES) fail("an answer without end");
    return true;
  };
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, onread: { buffer: Buffer.alloc(readBytes), callback: read } });
  socket.on("error", (error) => fail(error.code ?? error.message));
  socket.on("close", () => fail("the connection was closed"));
  return {
    send: (request) => socket.write(request, "latin1"),
    close() {
      isBroken = true;
      socket.destroy();
    },
  };
}
