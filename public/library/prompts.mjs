// The prompts of the library, as the worker tells them. Lists show what anybody may see.
import { Failure, ask } from "./api.mjs";
import { unmarked } from "./highlights.mjs";
import { askAsReader } from "./session.mjs";

const PAGE = 24;
/** Forks of a prompt that are told at once. */
const FORKS = 10;
/** Rows that one request of the data dialect reads. */
const MOST_ROWS = 1000;
/** Words of a search that prompts have to hold. */
const MOST_WORDS = 8;
const PUBLIC = "is_public=eq.true&is_active=eq.true";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * A list, by pages: each call gives `{prompts, hasMore}` of the next. Templates come first, those that a search finds by how
 * well they fit, else by likes; then the other prompts, those that hold all words of the search, the newest first.
 */
export function listing({ q, category }) {
  const shown = new Set();
  let cursor = "";
  let offset = 0;

  async function nextPart() {
    const found = [];
    if (cursor !== null) {
      const { body } = await ask(`/v1/templates/search?${query({ q, category, limit: PAGE, cursor })}`);
      found.push(...body.templates.map(ofTemplate));
      cursor = body.next_cursor;
    }
    if (cursor === null) {
      const { body } = await ask(promptsPath({ q, category, offset }));
      found.push(...body.map(ofPrompt));
      offset = body.length < PAGE ? null : offset + PAGE;
    }
    return found.filter(({ id }) => !shown.has(id) && shown.add(id));
  }

  return async function next() {
    const prompts = [];
    do prompts.push(...(await nextPart()));
    while (prompts.length === 0 && offset !== null);
    return { prompts, hasMore: offset !== null };
  };
}

const query = (parameters) =>
  new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== null));

/** The newest prompts first, from one on. */
const part = (offset) => `select=id,slug,title,goal,template,category,is_public&order=created_at.desc,id&limit=${PAGE}&offset=${offset}`;

function promptsPath({ q, category, offset }) {
  const words = q.split(/\s+/).filter(Boolean).slice(0, MOST_WORDS);
  const conditions = query({ category: category && `eq.${category}` });
  for (const word of words) conditions.append("or", holding(word));
  return `/rest/v1/prompts?${part(offset)}&${PUBLIC}&${conditions}`;
}

/** The condition that a word is part of a prompt: a pattern in quotes, in which neither is what the word itself has. */
function holding(word) {
  const pattern = `%${word.replace(/[\\%_]/g, "\\$&")}%`;
  const quoted = `"${pattern.replace(/["\\]/g, "\\$&")}"`;
  return `(${["title", "goal", "template"].map((column) => `${column}.ilike.${quoted}`).join(",")})`;
}

const ofTemplate = ({ prompt_id, title, category, highlights }) => ({
  id: prompt_id,
  title,
  category,
  heading: unmarked(highlights.title),
  summary: unmarked(highlights.goal || highlights.template),
});

const ofPrompt = ({ id, slug, title, category, goal, template, is_public }) => ({
  id,
  slug,
  title,
  category,
  isPrivate: !is_public,
  heading: [title],
  summary: [goal || template.slice(0, 300)],
});

/** The prompts of the reader, who is this user, by pages as `listing` gives them. */
export function own(user) {
  let offset = 0;
  return async function next() {
    const { body } = await askAsReader(`/rest/v1/prompts?${part(offset)}&user_id=eq.${user}`);
    offset += PAGE;
    return { prompts: body.map(ofPrompt), hasMore: body.length === PAGE };
  };
}

/** The categories of the newest prompts and of the most liked templates. */
export async function categories() {
  const most = `select=category&category=not.is.null&limit=${MOST_ROWS}`;
  const answers = await Promise.all([
    ask(`/rest/v1/prompts?${most}&${PUBLIC}&order=created_at.desc`),
    ask(`/rest/v1/prompt_templates?${most}&order=likes_count.desc`),
  ]);
  const named = answers.flatMap(({ body }) => body.map(({ category }) => category)).filter(Boolean);
  return [...new Set(named)].sort((one, other) => one.localeCompare(other, "en"));
}

/** A prompt with its templates, by its id or slug. */
export async function promptNamed(name) {
  const column = UUID.test(name) ? "id" : "slug";
  const { body } = await askAsReader(
    `/rest/v1/prompts?${query({ select: "*,prompt_templates(id)", [column]: `eq.${name}`, limit: 1 })}`,
  );
  if (!body[0]) throw new Failure("There is no such prompt, or it is not public.", { status: 404 });
  return body[0];
}

/** What a prompt comes from, and its forks; with a cursor the forks that follow. */
export async function lineage(id, cursor = null) {
  const { body } = await askAsReader(`/v1/prompts/${id}/lineage?${query({ depth: 1, breadth: FORKS, cursor })}`);
  return body;
}

/** Whether the reader likes a template. */
export async function isLiked(template) {
  const { body } = await askAsReader(`/rest/v1/template_likes?select=template_id&template_id=eq.${template}&limit=1`);
  return body.length > 0;
}
