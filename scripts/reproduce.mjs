// Builds the worker twice, from nothing, in folders of other names and with another home of cargo, and compares what comes out:
// node scripts/reproduce.mjs
//
// The tools and packages that `make setup` installed are shared: their versions are locked.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const HOME = "home-of-cargo";
const COMPARED = ["build/index_bg.wasm", "build/index.js", "public/pm.js", "public/pm-count.js", "public/pm.mjs"];

/** The files that git knows, or would add. */
function sources() {
  const command = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  return execFileSync("git", command, { cwd: ROOT, encoding: "utf8" }).split("\0").filter(Boolean);
}

/** Makes `folder`, with all that is built from. */
function copy(folder) {
  for (const file of sources()) {
    const [from, to] = [join(ROOT, file), join(folder, file)];
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
    const { atime, mtime } = statSync(from);
    utimesSync(to, atime, mtime);
  }
  for (const name of ["node_modules", ".tools"]) symlinkSync(join(ROOT, name), join(folder, name));
  symlinkSync(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), join(folder, HOME));
}

/** Builds in a folder, and gives the sums of what comes out. */
function build(folder) {
  const env = { ...process.env, CARGO_HOME: join(folder, HOME), CARGO_TARGET_DIR: join(folder, "target") };
  const { status } = spawnSync("make", ["build"], { cwd: folder, env, stdio: "inherit" });
  if (status !== 0) throw new Error(`make build failed in ${folder}`);
  return COMPARED.map((file) => createHash("sha256").update(readFileSync(join(folder, file))).digest("hex"));
}

const folder = mkdtempSync(join(tmpdir(), "promptmeter-"));
try {
  const folders = ["one", "another/of/a-longer-name"].map((name) => join(folder, name));
  folders.forEach(copy);
  const [one, other] = folders.map(build);
  const differing = COMPARED.filter((_, index) => one[index] !== other[index]);
  COMPARED.forEach((file, index) => console.log(`${one[index]}  ${file}${differing.includes(file) ? `, but also ${other[index]}` : ""}`));
  if (differing.length) {
    console.error(`Two builds differ in ${differing.join(", ")}.`);
    process.exitCode = 1;
  } else {
    console.log("Two clean builds gave the same bytes.");
  }
} finally {
  rmSync(folder, { recursive: true });
}
