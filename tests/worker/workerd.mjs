// The built worker on workerd alone, without any storage. What it fetches leaves as on Cloudflare; in the instances of
// instance.mjs the test's own process fetches for it, follows redirects and does not hear of what is given up.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createInterface } from "node:readline";
import workerdPackage from "workerd";
import { unstable_readConfig as readConfig } from "wrangler";
import { modules, text } from "../../scripts/workerd-config.mjs";
import { ROOT, SETTINGS, client } from "./instance.mjs";

function configuration(settings) {
  const { compatibility_date } = readConfig({ config: join(ROOT, "wrangler.toml") });
  const bindings = Object.entries(settings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  services = [
    (name = "main", worker = (
      modules = [${modules(join(ROOT, "build/index.js"))}],
      compatibilityDate = ${text(compatibility_date)},
      bindings = [${bindings}],
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
);
`;
}

/** Starts the worker; it ends with the tests of its file. */
export async function startAlone(settings) {
  const folder = await mkdtemp(join(tmpdir(), "promptmeter-"));
  const file = join(folder, "workerd.capnp");
  await writeFile(file, configuration({ ...SETTINGS, ...settings }));
  const workerd = spawn(workerdPackage.default, ["serve", "--control-fd=3", "--import-path=/", file], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  after(async () => {
    workerd.kill("SIGKILL");
    await rm(folder, { recursive: true });
  });
  const lines = [];
  for (const output of [workerd.stdout, workerd.stderr]) createInterface({ input: output }).on("line", (line) => lines.push(line));
  for await (const line of createInterface({ input: workerd.stdio[3] })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return { ...client(`http://127.0.0.1:${port}`), url: `http://127.0.0.1:${port}`, lines };
  }
  throw new Error(`workerd did not start: ${lines.join("\n")}`);
}
