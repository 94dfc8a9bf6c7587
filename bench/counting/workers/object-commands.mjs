// Calls one counter of promptmeter, as many times at once as it is asked to, and tells how many commands a second it did.
//
// A command is written as src/counting/protocol.rs has it, in postcard's format: the command's number, the prompt, the number of
// the delivery, and views, each with an id, a visitor and a source of its own.
const VISITORS = 1000;
const [COUNT, VIEW, PAYLOAD, SOURCE] = [0, 0, 7, 1];
const UUID_BYTES = 16;

function pushNumber(bytes, number) {
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
}

function anyKey() {
  const [upper, lower] = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(upper) << 32n) | BigInt(lower);
}

function count(prompt, views) {
  const bytes = [COUNT, UUID_BYTES, ...Uint8Array.fromHex(prompt.replaceAll("-", ""))];
  pushNumber(bytes, anyKey());
  pushNumber(bytes, views);
  for (let view = 0; view < views; view++) {
    const [at, some] = [2 * Date.now(), 1];
    const visitor = 1 + Math.floor(VISITORS * Math.random());
    for (const number of [VIEW, at, some, anyKey(), PAYLOAD, some, visitor, some, SOURCE]) pushNumber(bytes, number);
  }
  return new Uint8Array(bytes);
}

export default {
  async fetch(request, env) {
    const { prompt, views, callers, ms } = await request.json();
    const counter = env.COUNTERS.get(env.COUNTERS.idFromName(prompt));
    let [commands, failed] = [0, 0];
    const began = Date.now();
    const call = async () => {
      while (Date.now() < began + ms) {
        if ((await counter.ask(count(prompt, views))) instanceof Uint8Array) commands++;
        else failed++;
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
    return Response.json({ per_second: (commands * 1000) / (Date.now() - began), failed });
  },
};
