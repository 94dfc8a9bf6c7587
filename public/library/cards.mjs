// Prompts as cards: a page of them, and those that come by a button.
import { chooser } from "./selection.mjs";
import { counts, watchCounts } from "./counts.mjs";
import { element, told } from "./element.mjs";
import { promptAddress } from "./route.mjs";

/**
 * The cards of a list, with what is said of how many they are. `first` is what `next` gave first, `sentence` says it of
 * how many are shown, and whether there are more.
 */
export function cards({ prompts, hasMore }, next, sentence) {
  const list = element("ul", { class: "cards" }, prompts.map(card));
  const found = element("p", { class: "found" }, sentence(prompts.length, hasMore));
  const more = element("button", { type: "button", class: "more", hidden: !hasMore }, "Show more");
  more.addEventListener(
    "click",
    told(async () => {
      const page = await next();
      const added = page.prompts.map(card);
      list.append(...added);
      found.textContent = announced(sentence(list.children.length, page.hasMore));
      more.hidden = !page.hasMore;
      added[0]?.querySelector("a").focus();
      watchCounts();
    }),
  );
  announced(found.textContent);
  return [found, list, more];
}

/** Tells it to those who listen: the list itself is replaced as a whole, which nobody hears. */
function announced(text) {
  document.getElementById("found").textContent = text;
  return text;
}

function card(prompt) {
  const { category, heading, summary, isPrivate } = prompt;
  return element(
    "li",
    {},
    element(
      "article",
      { class: "card" },
      element("h2", {}, element("a", { href: promptAddress(prompt) }, heading)),
      (category || isPrivate) && element("p", { class: "category" }, [category, isPrivate && "private"].filter(Boolean).join(" · ")),
      element("p", { class: "summary" }, summary),
      counts(prompt.id, ["viewCount", "copyCount", "likeCount", "forkCount"]),
      chooser(prompt),
    ),
  );
}
