// What is measured: of each subject in one visit after another, so that those that are compared stand next to each other.

/** Prompts over which views are spread, by Zipf's law. */
export const PROMPTS = 1282;
/** How a cell's views are spread. */
export const [ONE, ZIPF] = ["one prompt", `Zipf over ${PROMPTS} prompts`];
/** Requests that warm up a worker at the least: by then V8 has optimized it. */
const WARM = 10_000;
/** The same of batches. */
const WARM_BATCHES = 500;

const cells = (kind, spread, ...connections) => connections.map((number) => ({ kind, spread, connections: number }));
const fromAnywhere = (cell) => ({ ...cell, visitors: true });
const batches = (kind) => [...cells(kind, ONE, 1, 8), ...cells(kind, ZIPF, 1, 8)];

/** Which subject is served, how it is warmed up, and what is then measured. Hot prompts come first: they leave least behind. */
export const VISITS = [
  { subject: "empty", warmUp: ["empty", WARM], cells: cells("empty", ONE, 1, 32, 256) },
  {
    subject: "promptmeter",
    warmUp: ["async", WARM],
    cells: [
      ...cells("missing", ONE, 32),
      ...cells("async", ONE, 1, 32, 256),
      ...cells("asyncWithId", ONE, 32),
      ...cells("async", ONE, 32).map(fromAnywhere),
      ...cells("async", ZIPF, 1, 32, 256),
    ],
  },
  { subject: "object", warmUp: ["baseline", WARM], cells: [...cells("baseline", ONE, 1, 32, 256), ...cells("baseline", ZIPF, 32)] },
  {
    subject: "promptmeter",
    warmUp: ["durable", WARM],
    cells: [
      ...cells("durable", ONE, 1, 32, 256),
      ...cells("durableWithoutId", ONE, 32),
      ...cells("durable", ONE, 32).map(fromAnywhere),
      ...cells("durable", ZIPF, 1, 32, 256),
    ],
  },
  { subject: "d1", warmUp: ["baseline", WARM], cells: [...cells("baseline", ONE, 1, 32, 256), ...cells("baseline", ZIPF, 32)] },
  { subject: "postgres", cells: cells("baseline", ONE, 32) },
  { subject: "promptmeter", warmUp: ["batch500", WARM_BATCHES], cells: [...batches("batch100"), ...batches("batch500")] },
];

/** The name of a cell, under which its rounds are put together. */
export const cellName = (subject, { kind, spread, connections, visitors }) =>
  [subject, kind, spread, connections, ...(visitors ? ["from anywhere"] : [])].join("/");
