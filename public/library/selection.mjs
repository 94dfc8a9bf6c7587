// The two prompts that the reader wants to see side by side, and the tray that shows them. The tab remembers them.
import { element } from "./element.mjs";
import { comparisonAddress } from "./route.mjs";
import { tab } from "./storage.mjs";

const MOST = 2;

function chosen() {
  try {
    return JSON.parse(tab.get("chosen")) ?? [];
  } catch {
    return [];
  }
}

const isChosen = (id) => chosen().some((prompt) => prompt.id === id);

/** A button that chooses a prompt, or takes it back. A third one takes the place of the first. */
export const chooser = ({ id, slug, title }) =>
  element(
    "button",
    {
      type: "button",
      "data-chooses": id,
      "aria-pressed": String(isChosen(id)),
      onclick: () => {
        const others = chosen().filter((prompt) => prompt.id !== id);
        change(isChosen(id) ? others : [...others, { id, slug, title }].slice(-MOST));
      },
    },
    "Compare",
    element("span", { class: "unseen" }, ` ${title}`),
  );

function change(prompts) {
  tab.set("chosen", JSON.stringify(prompts));
  showSelection();
}

/** Shows what is chosen, in the tray and on the buttons. */
export function showSelection() {
  const prompts = chosen();
  const tray = document.getElementById("tray");
  tray.hidden = prompts.length === 0;
  tray.replaceChildren(
    element("p", {}, prompts.length < MOST ? "Choose one more to compare with:" : "To compare:"),
    element("ul", {}, prompts.map(({ title }) => element("li", {}, title))),
    element(
      "div",
      { class: "actions" },
      prompts.length === MOST && element("a", { class: "button main", href: comparisonAddress(...prompts) }, "Compare side by side"),
      element("button", { type: "button", onclick: clear }, "Clear"),
    ),
  );
  for (const button of document.querySelectorAll("[data-chooses]")) {
    button.setAttribute("aria-pressed", String(isChosen(button.dataset.chooses)));
  }
}

function clear() {
  change([]);
  document.getElementById("main").focus();
}
