// The demo library: shows what the address says, and goes on from there.
import { comparisonPage } from "./comparison.mjs";
import { watchCounts } from "./counts.mjs";
import { element } from "./element.mjs";
import { listPage } from "./list.mjs";
import { minePage } from "./mine.mjs";
import { promptPage } from "./prompt.mjs";
import { listAddress, read } from "./route.mjs";
import { showSelection } from "./selection.mjs";

const NAME = "Prompt library";
const TYPING_MS = 250;
const PAGES = { list: listPage, mine: minePage, prompt: promptPage, comparison: comparisonPage, unknown: unknownPage };

const main = document.getElementById("main");
const search = document.querySelector(".search");
const mine = document.querySelector(".mine");
let route;
let typing;

/** Shows the page of the address, which the reader has just loaded, moved to, or typed a search for. */
async function show(cause) {
  const shown = (route = read(location.hash));
  if (shown.page === "mine") mine.setAttribute("aria-current", "page");
  else mine.removeAttribute("aria-current");
  if (cause !== "typed") search.q.value = shown.q ?? "";
  main.ariaBusy = "true";
  const { title, content } = await PAGES[shown.page](shown).catch(failedPage);
  if (route !== shown) return;
  main.replaceChildren(...content);
  main.ariaBusy = null;
  document.title = `${title} · ${NAME}`;
  showSelection();
  if (cause === "moved") {
    scrollTo(0, 0);
    main.querySelector("h1").focus({ preventScroll: true });
  }
  await watchCounts();
}

async function unknownPage() {
  const title = "There is nothing here";
  const back = element("a", { href: "#/" }, "All prompts");
  return { title, content: [element("h1", { tabindex: -1 }, title), element("p", {}, back)] };
}

function failedPage(failure) {
  const title = "That did not work";
  const again = element("button", { type: "button", onclick: () => show("moved") }, "Try again");
  const all = element("a", { href: "#/" }, "All prompts");
  const told = element("p", { class: "failure", role: "alert" }, failure.message);
  return { title, content: [element("h1", { tabindex: -1 }, title), told, element("div", { class: "actions" }, again, all)] };
}

function searchNow() {
  clearTimeout(typing);
  const address = listAddress({ q: search.q.value.trim(), category: route.category });
  if (address === location.hash || (address === "#/" && !location.hash)) return;
  // A search is one step back, however many letters it has.
  history[route.page === "list" && route.q ? "replaceState" : "pushState"](null, "", address);
  show("typed");
}

search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(searchNow, TYPING_MS);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  searchNow();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => show("moved"));

show("loaded");
