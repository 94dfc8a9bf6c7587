// Records what PostgreSQL answers to every request of tests/policy_matrix: row-level security itself, in a cluster that
// is made for it and thrown away.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { CELLS } from "../tests/policy_matrix/cells.mjs";
import { MODEL, record } from "../tests/policy_matrix/expected.mjs";
import { changes, given } from "../tests/policy_matrix/outcome.mjs";
import { SEED, id } from "../tests/policy_matrix/seed.mjs";
import { sql } from "../tests/policy_matrix/sql.mjs";
import { fail } from "./settings.mjs";

const VERSION = "15";
const TRIED = readFileSync(new URL("../tests/policy_matrix/record.sql", import.meta.url), "utf8");
const ROLES = { anon: "anon", owner: "authenticated", other: "authenticated", service: "service_role" };

const literal = (value) => `'${(typeof value === "string" ? value : JSON.stringify(value)).replaceAll("'", "''")}'`;

function programs() {
  const told = () => {
    try {
      return [execFileSync("pg_config", ["--bindir"], { encoding: "utf8" }).trim()];
    } catch {
      return [];
    }
  };
  const folders = [...told(), `/usr/lib/postgresql/${VERSION}/bin`, ...(process.env.PATH ?? "").split(delimiter)];
  const isComplete = (folder) => ["initdb", "pg_ctl", "psql"].every((program) => existsSync(join(folder, program)));
  const folder = folders.find(isComplete);
  if (!folder) fail(`Recording needs PostgreSQL ${VERSION} (Debian: apt-get install postgresql-${VERSION})`);
  const version = execFileSync(join(folder, "psql"), ["--version"], { encoding: "utf8" });
  if (!version.includes(` ${VERSION}.`)) fail(`Recording needs PostgreSQL ${VERSION}, and in ${folder} is ${version.trim()}`);
  return folder;
}

// PostgreSQL does not run as root.
function somebodyElse() {
  if (process.getuid() !== 0) return undefined;
  const exists = (name) => {
    try {
      execFileSync("id", [name], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  return ["postgres", "nobody"].find(exists) ?? fail("PostgreSQL does not run as root: record as another user");
}

/** Runs `work` with a function that gives what psql prints for a script. */
async function withCluster(work) {
  const [folder, name] = [programs(), somebodyElse()];
  const root = mkdtempSync(join(tmpdir(), "policies-"));
  const run = (program, args, input) =>
    new Promise((resolve, reject) => {
      const command = [...(name ? ["runuser", "-u", name, "--"] : []), join(folder, program), ...args];
      const options = { cwd: root, maxBuffer: 2 ** 30, env: { ...process.env, PGTZ: "UTC", PGOPTIONS: "" } };
      const child = execFile(command[0], command.slice(1), options, (error, stdout, stderr) =>
        error ? reject(new Error(`${program}: ${stderr || error.message}`)) : resolve(stdout),
      );
      child.stdin.on("error", () => {}); // a program that ends early says why
      child.stdin.end(input ?? "");
    });

  const data = join(root, "data");
  const end = async () => {
    await run("pg_ctl", ["stop", "-D", data, "-m", "immediate", "-s"]).catch(() => {});
    rmSync(root, { recursive: true, force: true });
  };
  process.once("SIGINT", () => end().then(() => process.exit(130)));
  try {
    if (name) execFileSync("chown", [name, root]);
    await run("initdb", ["-D", data, "-U", "recorder", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    const settings = `-c listen_addresses='' -c unix_socket_directories='${root}' -c fsync=off -c timezone=UTC`;
    await run("pg_ctl", ["start", "-D", data, "-w", "-s", "-l", join(root, "log"), "-o", settings]);
    const connection = ["-h", root, "-U", "recorder", "-d", "postgres"];
    await work((script) => run("psql", [...connection, "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"], script));
  } finally {
    await end();
  }
}

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

await withCluster(async (psql) => {
  await psql([MODEL, TRIED, ...seed].join("\n"));
  const printed = await psql(["select matrix.stored();", ...CELLS.map(tried)].join("\n"));
  const [seeded, ...answers] = printed.trimEnd().split("\n").map((line) => JSON.parse(line));
  record(CELLS.map((cell, index) => [cell.name, outcome(cell, answers[index], seeded)]));
  const refused = answers.filter(({ error }) => error).length;
  const changing = answers.filter(({ stored }) => stored).length;
  console.log(`${answers.length} cells: ${refused} refused, ${changing} change rows`);
});
