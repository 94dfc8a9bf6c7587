// One prompt: what it is, and all that is told of it.
import { path, withQuery } from "./api.mjs";
import { element, heading, section } from "./elements.mjs";
import { milliseconds, moment, number, second, text, whole } from "./format.mjs";
import { funnelSection } from "./funnel.mjs";
import { lineageSection } from "./lineage.mjs";
import { promptLink } from "./lists.mjs";
import { UUID } from "./prompts.mjs";
import { seriesSection } from "./series.mjs";
import { figures, source } from "./source.mjs";
import { pagedTable, table } from "./table.mjs";

const COLUMNS = "id,slug,title,goal,category,tags,is_public,is_active,forked_from,created_at,updated_at";
const COMPARED = 20;
const STATS = [
  ["Views", "viewCount", whole],
  ["Visits", "visitCount", whole],
  ["Visitors", "uniqueVisitors", whole],
  ["Copies", "copyCount", whole],
  ["Forks", "forkCount", whole],
  ["Comparisons", "compareCount", whole],
  ["Likes", "likeCount", whole],
  ["Uses", "totalUsage", whole],
  ["Successes", "successCount", whole],
  ["Failures", "failureCount", whole],
  ["Succeeded, %", "successRate", number],
  ["Mean time", "avgGenerationTimeMs", milliseconds],
  ["Last used", "lastUsedAt", second],
];

export function prompt(api, id) {
  const title = heading(id);
  return [
    title,
    section("What it is", () => row(api, id, title)),
    section("Counts", () => stats(api, id)),
    seriesSection(api, id),
    funnelSection(api, id),
    lineageSection(api, id),
    section("Uses by scene", () => scenes(api, id)),
    section("Compared with", () => compared(api, id)),
  ];
}

async function row(api, id, title) {
  const address = withQuery("/rest/v1/prompts", { select: COLUMNS, [UUID.test(id) ? "id" : "slug"]: `eq.${id}` });
  const [prompt] = await api.get(address);
  if (!prompt) return element("p", { class: "problem" }, "There is no prompt with this id or slug.");
  title.textContent = prompt.title || "(without a title)";
  document.title = `${title.textContent} · promptmeter`;
  const facts = [
    ["Id", prompt.id],
    ["Slug", text(prompt.slug)],
    ["Goal", text(prompt.goal)],
    ["Category", text(prompt.category)],
    ["Tags", prompt.tags?.length ? prompt.tags.join(", ") : "–"],
    ["Public", prompt.is_public ? "yes" : "no"],
    ["Active", prompt.is_active ? "yes" : "no"],
    ["Made", moment(prompt.created_at)],
    ["Changed", moment(prompt.updated_at)],
  ];
  return [
    table(
      "The prompt",
      [
        ["What", ([name]) => name],
        ["Value", ([, value]) => value],
      ],
      facts,
    ),
    source(address),
  ];
}

async function stats(api, id) {
  const address = path`/v1/prompts/${id}/stats`;
  const answer = await api.get(address);
  return [figures(STATS.map(([name, field, show]) => [name, show(answer[field]), address])), source(address)];
}

async function scenes(api, id) {
  const address = path`/v1/prompts/${id}/usage/scenes`;
  const pages = api.pages(address, {});
  const first = (await pages.next()).value;
  const columns = [
    ["Scene", ({ scene }) => scene ?? "(none)"],
    ["Uses", ({ usageCount }) => whole(usageCount), true],
    ["Succeeded, %", ({ successRate }) => number(successRate), true],
    ["Mean time", ({ avgTimeMs }) => milliseconds(avgTimeMs), true],
  ];
  const times = [
    ["Uses", whole(first.usageCount), address],
    ["Median time", milliseconds(first.p50TimeMs), address],
    ["95 % take at most", milliseconds(first.p95TimeMs), address],
  ];
  const rows = pagedTable("Uses by scene", columns, first, pages, ({ scenes }) => scenes, "It was not used yet.");
  return [figures(times), rows, source(address)];
}

async function compared(api, id) {
  const address = `${path`/v1/prompts/${id}/compared`}?limit=${COMPARED}`;
  const { prompts } = await api.get(address);
  const columns = [
    ["Prompt", promptLink],
    ["Comparisons with both", ({ comparisons }) => whole(comparisons), true],
  ];
  const rows = prompts.length
    ? table("Prompts that were most often in the same comparison", columns, prompts)
    : element("p", {}, "It was not compared with any other yet.");
  return [rows, source(address)];
}
