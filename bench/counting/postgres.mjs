// The function increment_prompt_views in PostgreSQL, called by pgbench over a local socket, with everything durable.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION, findPrograms, withCluster } from "../../scripts/postgres.mjs";
import { install } from "./debian.mjs";
import { percentile } from "./figures.mjs";
import { cpuSeconds } from "./server.mjs";

const PROGRAMS = ["initdb", "pg_ctl", "psql", "pgbench"];
const CLIENTS = 32;
const DURABLE = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on";
const ID = "0190c7a8-0000-7000-8000-000000000001";
/** In the original, the parameter has the column's name, which PostgreSQL refuses as ambiguous. */
const SCHEMA = `
  create table prompts (id uuid primary key, view_count bigint not null default 0);
  create function increment_prompt_views(p_prompt_id uuid) returns bigint language sql as
    'update prompts set view_count = view_count + 1 where id = p_prompt_id returning view_count';
  insert into prompts (id) values ('${ID}');`;

/** The folder of PostgreSQL's programs, installed if that is possible; or the reason why it is left out. */
export function postgres() {
  const found = findPrograms(PROGRAMS);
  const packages = [`postgresql-${VERSION}`, "postgresql-contrib"];
  return found.folder || !install(packages) ? found : findPrograms(PROGRAMS);
}

/** The processor time of the server and of all that it started. One that ends meanwhile is in the server's, which is read last. */
function serverSeconds(pid) {
  const used = (process) => {
    try {
      return cpuSeconds(process);
    } catch {
      return 0;
    }
  };
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean);
  return children.reduce((sum, process) => sum + used(process), 0) + cpuSeconds(pid);
}

/** The latencies that pgbench logged, in milliseconds. */
function latencies(root, prefix) {
  const files = readdirSync(root).filter((name) => name.startsWith(prefix));
  const lines = files.flatMap((name) => readFileSync(join(root, name), "latin1").trimEnd().split("\n"));
  return lines.map((line) => Number(line.split(" ")[2]) / 1000);
}

/** One hot prompt, for so many seconds after a warm-up, in a cluster of its own. */
export async function measurePostgres(folder, seconds, warmUpSeconds) {
  let measured;
  await withCluster(folder, DURABLE, async ({ run, root, pid }) => {
    await run("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-"], SCHEMA);
    const count = async () => Number(await run("psql", ["-XAtc", "select view_count from prompts"]));
    const script = join(root, "view.sql");
    writeFileSync(script, `select increment_prompt_views('${ID}'::uuid);\n`);
    const bench = async (forSeconds, prefix) => {
      const args = ["-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", Math.ceil(forSeconds), "-f", script];
      const told = await run("pgbench", [...args, "-l", `--log-prefix=${prefix}`].map(String));
      const number = (pattern) => Number(pattern.exec(told)?.[1]);
      return {
        done: number(/actually processed: (\d+)/),
        failed: number(/failed transactions: (\d+)/),
        perSecond: number(/tps = ([\d.]+)/),
      };
    };
    const warm = await bench(warmUpSeconds, "warm-up");
    const before = serverSeconds(pid());
    const { done, failed, perSecond } = await bench(seconds, "measured");
    const used = serverSeconds(pid()) - before;
    const times = latencies(root, "measured");
    const difference = (await count()) - done - warm.done;
    measured = {
      requests_per_s: perSecond,
      p50_ms: percentile(times, 0.5),
      p99_ms: percentile(times, 0.99),
      cpu_us: (used / done) * 1e6,
      errors: failed ? { "failed transactions": failed } : {},
      wrong: 0,
      lost: Math.max(-difference, 0),
      doubled: Math.max(difference, 0),
    };
  });
  return measured;
}
