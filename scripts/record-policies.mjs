// Records what PostgreSQL answers to every request of tests/policy_matrix: row-level security itself, in a cluster that
// is made for it and thrown away.
import { readFileSync } from "node:fs";
import { CELLS } from "../tests/policy_matrix/cells.mjs";
import { MODEL, record } from "../tests/policy_matrix/expected.mjs";
import { changes, given } from "../tests/policy_matrix/outcome.mjs";
import { SEED, id } from "../tests/policy_matrix/seed.mjs";
import { sql } from "../tests/policy_matrix/sql.mjs";
import { findPrograms, withCluster } from "./postgres.mjs";
import { fail } from "./settings.mjs";

const TRIED = readFileSync(new URL("../tests/policy_matrix/record.sql", import.meta.url), "utf8");
const ROLES = { anon: "anon", owner: "authenticated", other: "authenticated", service: "service_role" };

const literal = (value) => `'${(typeof value === "string" ? value : JSON.stringify(value)).replaceAll("'", "''")}'`;

// The seed has the number of likes that its likes make.
const seed = [
  "alter table template_likes disable trigger user;",
  ...Object.entries(SEED).map(
    ([table, rows]) => `insert into ${table} select * from json_populate_recordset(null::${table}, ${literal(rows)});`,
  ),
  "alter table template_likes enable trigger user;",
];

function tried({ caller, request }) {
  const role = ROLES[caller];
  const claims = { role, ...(role === "authenticated" && { sub: id(caller) }) };
  return `select matrix.tried(${literal(role)}, ${literal(claims)}, ${literal(sql(request))});`;
}

function outcome({ request }, { error, rows, count, stored }, seeded) {
  if (error) return { error };
  const changed = stored && changes(seeded, stored);
  return {
    ...(rows && { rows: given(request, rows) }),
    ...(count !== undefined && (!rows || count !== rows.length) && { count }),
    ...(changed && { changes: changed }),
  };
}

const { folder, reason } = findPrograms(["initdb", "pg_ctl", "psql"]);
if (!folder) fail(`Recording needs another PostgreSQL: ${reason}`);

await withCluster(folder, "-c fsync=off", async ({ run }) => {
  const psql = (script) => run("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"], script);
  await psql([MODEL, TRIED, ...seed].join("\n"));
  const printed = await psql(["select matrix.stored();", ...CELLS.map(tried)].join("\n"));
  const [seeded, ...answers] = printed.trimEnd().split("\n").map((line) => JSON.parse(line));
  record(CELLS.map((cell, index) => [cell.name, outcome(cell, answers[index], seeded)]));
  const refused = answers.filter(({ error }) => error).length;
  const changing = answers.filter(({ stored }) => stored).length;
  console.log(`${answers.length} cells: ${refused} refused, ${changing} change rows`);
});
