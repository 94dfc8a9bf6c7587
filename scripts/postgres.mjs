// A PostgreSQL cluster that is made for one use and thrown away.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** The version that is meant wherever PostgreSQL is. */
export const VERSION = "15";

/** The folder that has all these programs, in the right version, and why there is none. */
export function findPrograms(programs) {
  const told = () => {
    try {
      return [execFileSync("pg_config", ["--bindir"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()];
    } catch {
      return [];
    }
  };
  const folders = [...told(), `/usr/lib/postgresql/${VERSION}/bin`, ...(process.env.PATH ?? "").split(delimiter)];
  const folder = folders.find((folder) => programs.every((program) => existsSync(join(folder, program))));
  if (!folder) return { reason: `PostgreSQL ${VERSION} is not installed (Debian: apt-get install postgresql-${VERSION})` };
  const version = execFileSync(join(folder, "psql"), ["--version"], { encoding: "utf8" }).trim();
  return version.includes(` ${VERSION}.`) ? { folder, version } : { reason: `in ${folder} is ${version}, not ${VERSION}` };
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
  const name = ["postgres", "nobody"].find(exists);
  if (!name) throw new Error("PostgreSQL does not run as root: run this as another user");
  return name;
}

/**
 * Runs `work` with a cluster, and ends it.
 * @param folder of the programs
 * @param settings in the server's command line
 * @param work is given `run(program, args, input)`, which gives what a program prints that finds its way to the server;
 *   `root`, a folder that goes afterwards; and `pid()`, the server's process
 */
export async function withCluster(folder, settings, work) {
  const name = somebodyElse();
  const root = mkdtempSync(join(tmpdir(), "postgres-"));
  const run = (program, args, input) =>
    new Promise((resolve, reject) => {
      const command = [...(name ? ["runuser", "-u", name, "--"] : []), join(folder, program), ...args];
      const way = { PGHOST: root, PGUSER: "owner", PGDATABASE: "postgres", PGTZ: "UTC", PGOPTIONS: "" };
      const options = { cwd: root, maxBuffer: 2 ** 30, env: { ...process.env, ...way } };
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
  const interrupted = () => end().then(() => process.exit(130));
  process.once("SIGINT", interrupted);
  try {
    if (name) execFileSync("chown", [name, root]);
    await run("initdb", ["-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    const place = `-c listen_addresses='' -c unix_socket_directories='${root}' -c timezone=UTC`;
    await run("pg_ctl", ["start", "-D", data, "-w", "-s", "-l", join(root, "log"), "-o", `${place} ${settings}`]);
    const pid = () => Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n", 1)[0]);
    await work({ run, root, pid });
  } finally {
    process.off("SIGINT", interrupted);
    await end();
  }
}
