// Answers are read whole, however they are cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../../bench/counting/connection.mjs";

const lines = (...parts) => parts.join("\r\n");

const check = (what, text, expected) =>
  test(what, () => {
    assert.deepEqual(readAnswer(text), expected);
    for (let length = 0; length < text.length; length++) assert.equal(readAnswer(text.slice(0, length)), null, text.slice(0, length));
  });

check("with a length", lines("HTTP/1.1 202 Accepted", "Content-Length: 5", "", "hello"), { status: 202, body: "hello", isLast: false });
check("in chunks", lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "3", "hel", "2", "lo", "0", "", ""), {
  status: 200,
  body: "hello",
  isLast: false,
});
check("the last one", lines("HTTP/1.1 500 Error", "Connection: close", "content-length: 0", "", ""), { status: 500, body: "", isLast: true });
check("without a body", lines("HTTP/1.1 204 No Content", "", ""), { status: 204, body: "", isLast: false });
