// The list of prompts: by category, by search, a page after the other.
import { cards } from "./cards.mjs";
import { element } from "./element.mjs";
import { firstRun } from "./sample.mjs";
import { categories, listing } from "./prompts.mjs";
import { listAddress } from "./route.mjs";

/** The page of a list. */
export async function listPage({ q, category }) {
  const next = listing({ q, category });
  const [first, named] = await Promise.all([next(), categories()]);
  const title = category || (q ? "Found" : "All prompts");
  if (first.prompts.length === 0 && !q && !category) return { title: "An empty library", content: [firstRun()] };
  const heading = element("h1", { tabindex: -1 }, title);
  return { title, content: [heading, choices(named, { q, category }), ...cards(first, next, sentenceAbout(q))] };
}

function sentenceAbout(q) {
  const about = q ? ` for “${q}”` : "";
  return (shown, hasMore) => {
    if (shown === 0) return `Nothing was found${about}. Try fewer words, or all categories.`;
    if (hasMore) return `The first ${shown} prompts${about}.`;
    return `${shown} ${shown === 1 ? "prompt" : "prompts"}${about}.`;
  };
}

function choices(named, { q, category }) {
  const link = (text, to) =>
    element("li", {}, element("a", { href: listAddress({ q, category: to }), "aria-current": to === category && "page" }, text));
  return element("nav", { class: "categories", "aria-label": "Categories" }, element("ul", {}, link("All", ""), named.map((name) => link(name, name))));
}
