// Writes all that an instance keeps into a file: SERVICE_KEY=… node scripts/backup.mjs --url https://… --file backup.ndjson.gz
//
// The file has its name only once it is whole and its digest was compared.
import { createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { Rows, exportOf, verified } from "./export-lines.mjs";
import { fail, serviceKey } from "./settings.mjs";

const ATTEMPTS = 3;

const { values: options } = parseArgs({ options: { url: { type: "string" }, file: { type: "string" } } });
if (!options.file) fail("FILE is where the backup goes: make backup FILE=backup.ndjson.gz");
const key = serviceKey();
const part = `${options.file}.${process.pid}.new`;

async function write() {
  const rows = new Rows();
  async function* lines() {
    for await (const { line, isEnd } of verified(exportOf(options.url, key))) {
      if (!isEnd) rows.add(line);
      yield Buffer.concat([line, Buffer.from("\n")]);
    }
  }
  const packing = options.file.endsWith(".gz") ? [createGzip()] : [];
  await pipeline(Readable.from(lines()), ...packing, createWriteStream(part, { flags: "wx", mode: 0o600 }));
  const written = await open(part, "r+");
  await written.sync();
  await written.close();
  renameSync(part, options.file);
  return rows;
}

for (let attempt = 1; ; attempt++) {
  try {
    const rows = await write();
    console.log(`${options.file}: ${rows.told}`);
    console.log(`SHA-256 of the rows: ${rows.digest}`);
    break;
  } catch (error) {
    if (existsSync(part)) rmSync(part);
    const why = error.cause?.code ?? error.message;
    if (attempt === ATTEMPTS) fail(`There is no backup: ${why}`);
    console.error(`${why}; once more`);
  }
}
