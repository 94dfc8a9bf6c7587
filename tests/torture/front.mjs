// A front that is wrong: it acknowledges events before they are stored. node front.mjs PORT TARGET
// It knows the ids that it was told, so its answers look right; only a death shows that they are not.
import { Agent, createServer, request } from "node:http";

const [port, target] = [Number(process.argv[2]), process.argv[3]];
const agent = new Agent({ keepAlive: true });
const known = new Set();

const server = createServer(async (incoming, outgoing) => {
  const body = Buffer.concat(await incoming.toArray());
  const isBatch = incoming.method === "POST" && incoming.url === "/v1/events";
  if (isBatch) {
    const events = JSON.parse(body);
    let accepted = 0;
    for (const { id, prompt_id, experiment_id } of events) {
      const key = `${prompt_id ?? experiment_id} ${id}`;
      if (!known.has(key)) accepted++;
      known.add(key);
    }
    const answer = JSON.stringify({ accepted, duplicates: events.length - accepted, rejected: [] });
    outgoing.writeHead(200, { "content-type": "application/json" }).end(answer);
  }
  const { host: _, connection: __, ...headers } = incoming.headers;
  const forwarded = request(new URL(incoming.url, target), { method: incoming.method, headers, agent }, (answer) => {
    if (isBatch) return answer.resume();
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.on("error", () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  forwarded.on("error", () => outgoing.destroy());
  forwarded.end(body);
});
// It ends with whoever started it.
process.stdin.resume().on("end", () => process.exit());
server.listen(port, "127.0.0.1", () => console.log("listening"));
