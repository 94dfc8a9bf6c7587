// What a prompt is a fork of, and its own forks.
import { element, told } from "./element.mjs";
import { lineage } from "./prompts.mjs";
import { promptAddress } from "./route.mjs";

/** What is told of a prompt's lineage: `origin`, a line above its text, and `forks`, beside it; each may be nothing. */
export async function lineageOf({ id, forked_from }) {
  try {
    const { prompt, ancestors } = await lineage(id);
    return { origin: ancestors[0] && originOf(ancestors[0]), forks: forksOf(id, prompt) };
  } catch (failure) {
    const [parent] = forked_from ? [originOf({ id: forked_from, title: "another prompt" })] : [];
    return { origin: parent, forks: element("p", { class: "note" }, `Its forks cannot be shown. ${failure.message}`) };
  }
}

const link = (prompt) => element("a", { href: promptAddress(prompt) }, prompt.title);
const originOf = (parent) =>
  element("p", { class: "note" }, "A fork of ", parent.hidden ? "a prompt that is not public or is gone" : link(parent), ".");

const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

function forksOf(id, { forks, privateChildren, next_cursor }) {
  if (forks.length === 0 && privateChildren === 0) return null;
  const list = element("ul", {}, forks.map(place));
  let cursor = next_cursor;
  const more = element("button", { type: "button", hidden: !cursor }, "More forks");
  more.onclick = told(async () => {
    const page = await lineage(id, cursor);
    const added = page.forks.map(place);
    list.append(...added);
    cursor = page.next_cursor;
    more.hidden = !cursor;
    added[0]?.querySelector("a")?.focus();
  });
  return element(
    "aside",
    { class: "forks", "aria-labelledby": "forks" },
    element("h2", { id: "forks" }, "Forks"),
    list,
    more,
    privateChildren > 0 && element("p", { class: "note" }, `${counted(privateChildren, "fork is", "forks are")} private.`),
  );
}

function place(fork) {
  if (fork.hidden) return element("li", {}, "A prompt that is not public or is gone");
  const told = [counted(fork.viewCount, "view", "views"), fork.children > 0 && counted(fork.children, "fork", "forks")];
  return element("li", {}, link(fork), element("span", { class: "note" }, told.filter(Boolean).join(", ")));
}
