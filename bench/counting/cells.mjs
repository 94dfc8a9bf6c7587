// What is measured: of each subject in one visit after another, so that those that are compared stand next to each other.

/** Prompts over which views are spread, by Zipf's law. */
export const PROMPTS = 1282;
/** How a cell's views are spread. */
export const [ONE, ZIPF] = ["one prompt", `Zipf over ${PROMPTS} prompts`];
/** How a worker is warmed up: with so many requests at the least, by which V8 has optimized it. */
const warm = (kind) => ({ kind, connections: 32, atLeast: 10_000 });
/** The same with batches, of which fewer come at the same time. */
const warmWithBatches = (kind) => ({ kind, connections: 8, atLeast: 500 });

const cells = (kind, spread, ...connections) => connections.map((number) => ({ kind, spread, connections: number }));
const fromAnywhere = (cell) => ({ ...cell, visitors: true });
const batches = (kind) => [...cells(kind, ONE, 1, 8), ...cells(kind, ZIPF, 1, 8, 32)];

/** Which subject is served, how it is warmed up, and what is then measured. Hot prompts come first: they leave least behind. */
export const VISITS = [
  { subject: "empty", warmUp: warm("empty"), cells: cells("empty", ONE, 1, 32, 256) },
  { subject: "reading", warmUp: warm("async"), cells: cells("async", ONE, 1, 32, 256) },
  {
    subject: "promptmeter",
    warmUp: warm("async"),
    cells: [
      ...cells("missing", ONE, 32),
      ...cells("async", ONE, 1, 32, 256),
      ...cells("asyncWithId", ONE, 32),
      ...cells("async", ONE, 32).map(fromAnywhere),
      ...cells("async", ZIPF, 1, 32, 256),
    ],
  },
  { subject: "object", warmUp: warm("baseline"), cells: [...cells("baseline", ONE, 1, 32, 256), ...cells("baseline", ZIPF, 32)] },
  {
    subject: "promptmeter",
    warmUp: warm("durable"),
    cells: [
      ...cells("durable", ONE, 1, 32, 256),
      ...cells("durableWithoutId", ONE, 32),
      ...cells("durable", ONE, 32).map(fromAnywhere),
      ...cells("durable", ZIPF, 1, 32, 256),
    ],
  },
  { subject: "d1", warmUp: warm("baseline"), cells: [...cells("baseline", ONE, 1, 32, 256), ...cells("baseline", ZIPF, 32)] },
  { subject: "postgres", cells: cells("baseline", ONE, 32) },
  { subject: "redis", cells: [...cells("synced", ONE, 32), ...cells("everySecond", ONE, 32)] },
  { subject: "promptmeter", warmUp: warmWithBatches("batch500"), cells: [...batches("batch100"), ...batches("batch500")] },
];

/** The name of a cell, under which its rounds are put together. */
export const cellName = (subject, { kind, spread, connections, visitors }) =>
  [subject, kind, spread, connections, ...(visitors ? ["from anywhere"] : [])].join("/");
