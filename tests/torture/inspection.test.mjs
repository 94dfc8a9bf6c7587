// What a death leaves in a database is read as it will be, and stays for workerd to do.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { query } from "./inspection.mjs";

const PAGES = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100) select hex(randomblob(4000)) from n";

/** Leaves in `folder` what there is of a database in the middle of a transaction that is larger than its memory. */
function leaveTransaction(folder, mode) {
  const [running, left] = [join(folder, "running.sqlite"), join(folder, "left.sqlite")];
  const database = new DatabaseSync(running);
  database.exec(`pragma journal_mode = ${mode}; pragma cache_size = 1; pragma cache_spill = 1;
    create table rows (x text); insert into rows values ('kept'); begin; insert into rows ${PAGES}; delete from rows where x = 'kept'`);
  for (const end of ["", "-journal", "-wal"]) if (existsSync(running + end)) copyFileSync(running + end, left + end);
  database.close();
  return left;
}

for (const mode of ["delete", "wal"]) {
  test(`a transaction that was not over, journal_mode ${mode}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmeter-left-"));
    try {
      const file = leaveTransaction(folder, mode);
      const before = readFileSync(file);
      assert.deepEqual(query(file, "select x from rows").map(({ x }) => x), ["kept"]);
      assert.deepEqual(readFileSync(file), before);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
