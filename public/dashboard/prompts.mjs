// Finding a prompt, by a part of its title, its slug or its id.
import { withQuery } from "./api.mjs";
import { element, fill, heading } from "./elements.mjs";
import { moment, text } from "./format.mjs";
import { promptLink } from "./lists.mjs";
import { source } from "./source.mjs";
import { table } from "./table.mjs";

const LIMIT = 50;
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const COLUMNS = "id,slug,title,category,is_public,is_active,created_at";

/** A value between quotes, as the data dialect takes it in a list of conditions. */
const quoted = (value) => `"${value.replace(/[\\"]/g, "\\$&")}"`;

/** The condition of a search: what stands for anything in a pattern is taken as it is, except `*`. */
function condition(searched) {
  if (!searched) return {};
  if (UUID.test(searched)) return { id: `eq.${searched}` };
  const pattern = `*${searched.replace(/[\\%_]/g, "\\$&")}*`;
  return { or: `(title.ilike.${quoted(pattern)},slug.eq.${quoted(searched)})` };
}

export function prompts(api, parameters) {
  const input = element("input", { type: "search", name: "q", value: parameters.get("q"), autocomplete: "off" });
  const body = element("div");
  const show = () => fill(body, () => found(api, input.value.trim()));
  const submit = (event) => {
    event.preventDefault();
    history.replaceState(null, "", `#${withQuery("/prompts", { q: input.value.trim() })}`);
    show();
  };
  show();
  return [
    heading("Prompts"),
    element(
      "section",
      { "aria-label": "Search" },
      element(
        "form",
        { role: "search", on: { submit } },
        element("label", {}, "A part of the title, the slug or the id", input),
        element("button", {}, "Search"),
      ),
      body,
    ),
  ];
}

async function found(api, searched) {
  const address = withQuery("/rest/v1/prompts", {
    select: COLUMNS,
    ...condition(searched),
    order: "created_at.desc",
    limit: LIMIT,
  });
  const rows = await api.get(address);
  const columns = [
    ["Prompt", promptLink],
    ["Slug", ({ slug }) => text(slug)],
    ["Category", ({ category }) => text(category)],
    ["Shown to", ({ is_public, is_active }) => (is_active ? (is_public ? "anyone" : "its owner") : "its owner; not active")],
    ["Made", ({ created_at }) => moment(created_at)],
  ];
  const cut = rows.length === LIMIT ? `, the first ${LIMIT}` : "";
  const caption = `${searched ? "Prompts that were found" : "Prompts"}, the newest first${cut}`;
  return [rows.length ? table(caption, columns, rows) : element("p", {}, "No prompt was found."), source(address)];
}
