// What 100,000 views a second over 10,000,000 prompts need, simulated with the figures of bench/results.json:
// make bench-scale, or node bench/scale.mjs [VIEWS_PER_SECOND] [PROMPTS]
//
// Without arguments the figures are written into docs/scale.md, too.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fail } from "../scripts/settings.mjs";
import { measuredOf, report } from "./scale/report.mjs";
import { popularity } from "./scale/simulation.mjs";

const [RESULTS, DOCUMENT] = ["results.json", "../docs/scale.md"].map((name) => new URL(name, import.meta.url));
const [BEGIN, END] = ["<!-- figures: make bench-scale -->", "<!-- end of the figures -->"];
const [SECONDS, SETTLE] = [40, 20];

if (!existsSync(RESULTS)) fail("There is no bench/results.json: make bench writes it");
const [viewsPerSecond, prompts] = [Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 10_000_000)];
if (!(viewsPerSecond > 0 && Number.isInteger(prompts) && prompts > 0)) fail("usage: node bench/scale.mjs [VIEWS_PER_SECOND] [PROMPTS]");

const measured = measuredOf(JSON.parse(readFileSync(RESULTS, "utf8")));
const load = { viewsPerSecond, bounds: popularity(prompts) };
const figures = report(load, measured, { seconds: SECONDS, settle: SETTLE }, (text) => console.error(text));
console.log(figures);
if (process.argv.length === 2) {
  const text = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) fail("docs/scale.md has no place for the figures");
  writeFileSync(DOCUMENT, `${text.slice(0, begin + BEGIN.length)}\n${figures}\n${text.slice(end)}`);
}
