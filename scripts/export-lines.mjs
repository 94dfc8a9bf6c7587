// The lines of exports, as they come from an instance or from a file: whole, in the order in which they were told, or not at all.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";

const LINE_FEED = 10;
const END = '{"end":';

/** Reads chunks of bytes line by line; the line feeds are left out. */
async function* linesOf(chunks) {
  let open = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...open, chunk.subarray(start, end)]);
      [open, start] = [[], end + 1];
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
  }
  if (open.length > 0) throw new Error("the last line was cut off");
}

/** The rows of an export, as it is read: how many there are of each table, and the SHA-256 of all of them. */
export class Rows {
  #hash = createHash("sha256");
  tables = {};

  add(line) {
    this.#hash.update(line).update("\n");
    const table = line.subarray(0, 100).toString().match(/^\{"table":"(\w+)"/)?.[1] ?? "unknown";
    this.tables[table] = (this.tables[table] ?? 0) + 1;
  }

  /** The digest; nothing can be added then. Into how many parts an export was cut makes no difference. */
  get digest() {
    return (this.end ??= this.#hash.digest("hex"));
  }

  get told() {
    return Object.entries(this.tables).map(([table, count]) => `${table} ${count}`).join(", ");
  }
}

/** Compares the lines of each part with its last line, and the parts with each other; gives all lines, `isEnd` with those last ones. */
export async function* verified(chunks) {
  let [hash, count, from] = [createHash("sha256"), 0, null];
  let isOver = false;
  for await (const line of linesOf(chunks)) {
    if (isOver) throw new Error("something stands behind the end");
    const isEnd = line.subarray(0, END.length).toString() === END;
    if (isEnd) {
      const { end } = JSON.parse(line);
      const found = hash.digest("hex");
      if (end.lines !== count || end.sha256 !== found) throw new Error(`the lines are not those that were exported: ${count} with the digest ${found} where ${end.lines} with ${end.sha256} are told`);
      if ((end.from ?? null) !== from) throw new Error("a part is missing");
      from = end.next;
      isOver = from === null;
      [hash, count] = [createHash("sha256"), 0];
    } else {
      hash.update(line).update("\n");
      count += 1;
    }
    yield { line, isEnd };
  }
  if (!isOver) throw new Error("it was cut off: the last line is missing");
}

/** The bytes of an instance's export, part by part. */
export async function* exportOf(url, key) {
  for (let cursor = ""; cursor !== null; ) {
    const query = cursor && `?cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(new URL(`/v1/export${query}`, url), { headers: { authorization: `Bearer ${key}` } });
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
    let last = Buffer.alloc(0);
    for await (const chunk of response.body) {
      yield Buffer.from(chunk);
      last = Buffer.concat([last, chunk]).subarray(-4096);
    }
    const end = last.subarray(0, -1).toString().split("\n").at(-1);
    if (!end.startsWith(END)) throw new Error("the export broke off");
    cursor = JSON.parse(end).end.next;
  }
}

/** The bytes of a file, unpacked where its name ends in .gz. */
export function bytesOf(file) {
  const stream = createReadStream(file);
  return file.endsWith(".gz") ? stream.pipe(createGunzip()).on("error", () => stream.destroy()) : stream;
}
