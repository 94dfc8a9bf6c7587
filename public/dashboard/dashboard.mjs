// The dashboard: which view the address names, and the key that it asks with.
import { connection } from "./api.mjs";
import { content, heading, say } from "./elements.mjs";
import { experiment } from "./experiment.mjs";
import { experiments } from "./experiments.mjs";
import { health } from "./health.mjs";
import { forgetKey, keyForm, storedKey } from "./key.mjs";
import { lists } from "./lists.mjs";
import { overview } from "./overview.mjs";
import { prompt } from "./prompt.mjs";
import { prompts } from "./prompts.mjs";

/** The views by the first segment of `#/view/{id}?parameters`: without an id, and with one. */
const VIEWS = {
  "": { all: overview },
  lists: { all: lists },
  prompts: { all: prompts, one: prompt },
  experiments: { all: experiments, one: experiment },
  health: { all: health },
};

const main = document.getElementById("main");
const [nav, forget] = [document.querySelector("nav"), document.getElementById("forget")];
let shown = new AbortController();

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What the address names. */
function wanted() {
  const [address, query] = location.hash.slice(2).split(/\?(.*)/s);
  const [name, id] = address.split("/").map(decoded);
  return { name, id, parameters: new URLSearchParams(query) };
}

/** The parts of the view that the address names. */
function view(api, { name, id, parameters }) {
  const { all, one } = Object.hasOwn(VIEWS, name) ? VIEWS[name] : {};
  if (id && one) return one(api, id);
  return all && !id ? all(api, parameters) : heading("There is no such view");
}

/** Shows the view of the address, or asks for the key first. */
function show({ message = "", isFirst = false } = {}) {
  shown.abort();
  shown = new AbortController();
  const key = storedKey();
  nav.hidden = forget.hidden = !key;
  const address = wanted();
  for (const link of nav.querySelectorAll("a")) {
    if (link.getAttribute("href").slice(2) === address.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren(...content([key ? view(connection(key, shown.signal), address) : keyForm(show, message)]));
  const title = main.querySelector("h1");
  document.title = `${title.textContent} · promptmeter`;
  // Who got here by a link goes on reading at the heading.
  if (!isFirst) title.focus();
}

forget.addEventListener("click", () => {
  forgetKey();
  show();
  say("The key is forgotten.");
});
// Other fragments are places in the page.
window.addEventListener("hashchange", () => (location.hash === "" || location.hash.startsWith("#/")) && show());
window.addEventListener("key-refused", () => {
  if (!storedKey()) return;
  forgetKey();
  show({ message: "The instance does not take this key any more." });
});
show({ isFirst: true });
