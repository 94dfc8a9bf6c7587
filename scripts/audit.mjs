// Audits the crates and packages: node scripts/audit.mjs [--strict]
//
// Licences, bans and sources need the crates of Cargo.lock alone, of every platform: what no build asked for yet is downloaded.
// Advisories need the network: where they cannot be reached, that is said, and fails with --strict.
// Whatever is found fails.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const ADVISORIES = "https://github.com/RustSec/advisory-db";
const isStrict = process.argv[2] === "--strict";

/** Runs a command and shows what it says; whether it ended well. */
const runs = (program, args) => spawnSync(program, args, { stdio: "inherit" }).status === 0;

function isReachable(repository) {
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  return spawnSync("git", ["ls-remote", "--quiet", repository, "HEAD"], { env, timeout: 30_000 }).status === 0;
}

/** The advisories that deny.toml makes an exception of. */
const excepted = () => [...readFileSync("deny.toml", "utf8").matchAll(/\bid = "(RUSTSEC-[0-9-]+)"/g)].map(([, id]) => id);

function crates() {
  return runs(".tools/bin/cargo-deny", ["--locked", "check", "licenses", "bans", "sources"]) ? "clean" : "findings";
}

function crateAdvisories() {
  if (!isReachable(ADVISORIES)) return `${ADVISORIES} cannot be reached`;
  const isClean = [
    runs(".tools/bin/cargo-deny", ["--locked", "check", "advisories"]),
    runs("make", ["cargo-audit"]) && runs(".tools/bin/cargo-audit", ["audit", "--deny", "unsound", "--deny", "yanked", ...excepted().flatMap((id) => ["--ignore", id])]),
  ];
  return isClean.every(Boolean) ? "clean" : "findings";
}

function packageAdvisories() {
  const { stdout, stderr } = spawnSync("npm", ["audit", "--json"], { encoding: "utf8" });
  return judge(stdout, stderr);
}

/** What `npm audit --json` says: it ends alike where there are findings and where the registry tells none. */
function judge(stdout, stderr) {
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    return `npm audit says ${JSON.stringify((stderr || stdout).slice(0, 200))}`;
  }
  if (!report.auditReportVersion) return `the registry of npm tells no advisories: ${report.message ?? report.error?.summary}`;
  const found = Object.values(report.vulnerabilities).map(({ name, severity, range }) => `${severity}: ${name} ${range}`);
  for (const line of found) console.error(line);
  return found.length ? "findings" : "clean";
}

const outcomes = {
  "licences, bans and sources of the crates": crates(),
  "advisories of the crates": crateAdvisories(),
  "advisories of the packages": packageAdvisories(),
};
console.log();
for (const [what, outcome] of Object.entries(outcomes)) {
  const isKnown = outcome === "clean" || outcome === "findings";
  console.log(`${what}: ${isKnown ? outcome : `NOT AUDITED, ${outcome}`}`);
  if (outcome === "findings" || (!isKnown && isStrict)) process.exitCode = 1;
}
