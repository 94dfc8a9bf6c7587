// schemathesis against the release build on workerd: requests made of the OpenAPI document, good ones and bad ones, by
// callers with each kind of credential. Every answer is compared with the document.
//
//   node tests/api/fuzzing.mjs CASES
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, SETTINGS, client, token } from "../worker/instance.mjs";
import { Served } from "../worker/served.mjs";

const SCHEMATHESIS = join(ROOT, ".tools/api/bin/schemathesis");
const DOCUMENT = join(ROOT, "public/openapi.json");
const USER = "00000000-0000-4000-8000-00000000000a";

/** The headers of each kind of caller. */
const CALLERS = {
  nobody: [],
  page: [`apikey: ${SETTINGS.PUBLISHABLE_KEY}`],
  user: [`apikey: ${SETTINGS.PUBLISHABLE_KEY}`, `Authorization: Bearer ${token({ sub: USER, role: "authenticated" })}`],
  service: [`Authorization: Bearer ${SETTINGS.SERVICE_KEY}`],
};

/** Below so many cases each operation is tried by one kind of caller, above by each. */
const MANY = 20_000;
const ALL_PHASES = "examples,coverage,fuzzing,stateful";
const FEW_PHASES = "examples,fuzzing,stateful";

/**
 * Rounds of runs, each a caller, what of the document is called, and by how many requests; without an end where many are
 * wanted. The runs of a round go on at the same time: threads within one run are more than Python 3.11 bears.
 */
function* rounds(cases) {
  if (cases < MANY) {
    const each = Math.ceil(cases / 60);
    // One behind the other: what one finds depends on what others have stored.
    yield [{ caller: "nobody", tags: ["events"], each: 2 * each, phases: FEW_PHASES }];
    yield [{ caller: "page", tags: ["figures"], each: 2 * each, phases: FEW_PHASES }];
    yield [{ caller: "service", tags: ["service", "experiments"], each, phases: FEW_PHASES }];
    yield [{ caller: "user", tags: ["prompts", "functions", "rows"], each: Math.ceil(each / 2), phases: FEW_PHASES }];
    return;
  }
  // What coverage tries depends on the document and not on the seed.
  yield Object.keys(CALLERS).map((caller) => ({ caller, tags: [], each: 20, phases: ALL_PHASES }));
  for (;;) yield Object.keys(CALLERS).map((caller) => ({ caller, tags: [], each: 100, phases: FEW_PHASES }));
}

/** Runs schemathesis and gives how many cases there were and, where some failed, what it wrote. */
function run(url, { caller, tags, each, phases }, seed) {
  const headers = CALLERS[caller].flatMap((header) => ["--header", header]);
  const included = tags.flatMap((tag) => ["--include-tag", tag]);
  const options = ["--phases", phases, "--max-examples", each, "--seed", seed, "--warnings", "off"];
  const configuration = ["--config-file", join(ROOT, "tests/api/schemathesis.toml")];
  const fuzzer = spawn(
    SCHEMATHESIS,
    [...configuration, "run", DOCUMENT, "--url", url, ...included, ...headers, ...options.map(String)],
    { cwd: join(ROOT, "tests/api"), env: { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: ".", PYTHONDONTWRITEBYTECODE: "1" } },
  );
  const written = [];
  for (const output of [fuzzer.stdout, fuzzer.stderr]) output.on("data", (data) => written.push(data));
  return new Promise((resolve, reject) => {
    fuzzer.on("error", reject);
    fuzzer.on("close", (code) => {
      const text = Buffer.concat(written).toString();
      const cases = Number(/^ *(\d+) generated/m.exec(text)?.[1] ?? 0);
      resolve({ cases, failure: code === 0 && cases > 0 ? null : text });
    });
  });
}

/** Tries at least so many cases. Gives how many there were, and what each run that failed wrote. */
export async function fuzz(cases, report = () => {}) {
  const served = await Served.make();
  const failures = [];
  let tried = 0;
  try {
    await served.start();
    await fill(client(served.url));
    let seed = 0;
    for (const round of rounds(cases)) {
      seed++;
      const runs = round.map(async (planned) => {
        const { cases: more, failure } = await run(served.url, planned, seed);
        tried += more;
        if (failure) failures.push(failure);
        report(`${planned.caller}: ${more} cases, ${failure ? "failures" : "no failures"}; ${tried} in all`);
      });
      await Promise.all(runs);
      if (failures.length > 0 || (cases >= MANY && tried >= cases)) break;
    }
  } finally {
    await served.end();
    await rm(join(ROOT, "tests/api/.schemathesis"), { recursive: true, force: true });
  }
  return { cases: tried, failures };
}

/** What the document's examples name: a prompt of the user's, and one of somebody else's. */
async function fill({ imported }) {
  const row = { id: "00000000-0000-4000-8000-000000000001", user_id: USER, title: "A title", template: "A template" };
  const others = { ...row, id: "00000000-0000-4000-8000-000000000002", user_id: randomUUID(), slug: "a-prompt" };
  await imported([row, others].map((prompt) => ({ table: "prompts", row: { ...prompt, is_public: true } })));
}

if (process.argv[1] === import.meta.filename) {
  const wanted = Number(process.argv[2] ?? 100_000);
  const { cases, failures } = await fuzz(wanted, console.log);
  for (const failure of failures) console.log(failure);
  console.log(`${cases} cases, ${failures.length} runs with failures`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
