// Ports for servers that come and go.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below those that the system gives to connections, and above 10080, the last one that `fetch` refuses. */
const [LOWEST, HIGHEST] = [10_081, 32_000];

async function isFree(port) {
  const server = createServer();
  const listens = new Promise((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
  const free = await listens;
  server.close();
  return free;
}

/** The first of two ports next to each other that nobody listens on. */
export async function freePorts() {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}
