// The list of prompts: by category, by search, a page after the other.
import { chooser } from "./selection.mjs";
import { counts, watchCounts } from "./counts.mjs";
import { element, told } from "./element.mjs";
import { firstRun } from "./sample.mjs";
import { categories, listing } from "./prompts.mjs";
import { listAddress, promptAddress } from "./route.mjs";

/** The page of a list. */
export async function listPage({ q, category }) {
  const next = listing({ q, category });
  const [{ prompts, hasMore }, named] = await Promise.all([next(), categories()]);
  const title = category || (q ? "Found" : "All prompts");
  if (prompts.length === 0 && !q && !category) return { title: "An empty library", content: [firstRun()] };

  const list = element("ul", { class: "cards" }, prompts.map(card));
  const found = element("p", { class: "found" }, sentence(prompts.length, hasMore, q));
  const more = element("button", { type: "button", class: "more", hidden: !hasMore }, "Show more");
  more.addEventListener(
    "click",
    told(async () => {
      const page = await next();
      const added = page.prompts.map(card);
      list.append(...added);
      found.textContent = announced(sentence(list.children.length, page.hasMore, q));
      more.hidden = !page.hasMore;
      added[0]?.querySelector("a").focus();
      watchCounts();
    }),
  );
  announced(found.textContent);
  return { title, content: [element("h1", { tabindex: -1 }, title), choices(named, { q, category }), found, list, more] };
}

/** Tells it to those who listen: the list itself is replaced as a whole, which nobody hears. */
function announced(text) {
  document.getElementById("found").textContent = text;
  return text;
}

function sentence(shown, hasMore, q) {
  const about = q ? ` for “${q}”` : "";
  if (shown === 0) return `Nothing was found${about}. Try fewer words, or all categories.`;
  if (hasMore) return `The first ${shown} prompts${about}.`;
  return `${shown} ${shown === 1 ? "prompt" : "prompts"}${about}.`;
}

function choices(named, { q, category }) {
  const link = (text, to) =>
    element("li", {}, element("a", { href: listAddress({ q, category: to }), "aria-current": to === category && "page" }, text));
  return element("nav", { class: "categories", "aria-label": "Categories" }, element("ul", {}, link("All", ""), named.map((name) => link(name, name))));
}

function card(prompt) {
  const { category, heading, summary } = prompt;
  return element(
    "li",
    {},
    element(
      "article",
      { class: "card" },
      element("h2", {}, element("a", { href: promptAddress(prompt) }, heading)),
      category && element("p", { class: "category" }, category),
      element("p", { class: "summary" }, summary),
      counts(prompt.id, ["viewCount", "copyCount", "likeCount", "forkCount"]),
      chooser(prompt),
    ),
  );
}
