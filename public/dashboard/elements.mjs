// Elements. Text of the API comes in as text nodes and attributes alone: no page is ever put together from HTML.

/** An element with attributes, `on` with its listeners, and children: nodes, texts, lists of them. */
export function element(tag, { on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...content(children));
  return node;
}

/** The heading of a view. It takes the focus when the view is opened. */
export const heading = (text) => element("h1", { tabindex: "-1" }, text);

/** What `replaceChildren` and `append` take: lists are laid flat, what is nothing is left out. */
export const content = (children) =>
  [children]
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));

let ids = 0;
const newId = () => `id-${(ids += 1)}`;

/** A choice; `options` are pairs of a value and its name. */
export function choice(label, options, chosen, change) {
  const id = newId();
  const select = element("select", { id, on: { change: () => change(select.value) } });
  for (const [value, name] of options) select.append(element("option", { value, selected: value === chosen }, name));
  return element("div", { class: "choice" }, element("label", { for: id }, label), select);
}

/** Says something to who does not see it. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** How often each element was filled. */
const turns = new WeakMap();

/** A part of a page under a heading, filled by what `load` gives. */
export function section(title, load) {
  const id = newId();
  const body = element("div");
  fill(body, load);
  return element("section", { "aria-labelledby": id }, element("h2", { id }, title), body);
}

/** Fills an element with what `load` gives, or says why not. What was asked for last is what is shown. */
export async function fill(body, load) {
  const turn = (turns.get(body) ?? 0) + 1;
  turns.set(body, turn);
  body.setAttribute("aria-busy", "true");
  if (!body.hasChildNodes()) body.append(element("p", { class: "quiet" }, "Loading …"));
  const children = await Promise.resolve().then(load).catch(problem);
  if (turns.get(body) !== turn || children === null) return;
  body.replaceChildren(...content(children));
  body.removeAttribute("aria-busy");
}

/** What is shown in place of what could not be loaded; nothing if nobody waits for it any more. */
function problem(error) {
  if (error.name === "AbortError") return null;
  if (error.status === 401) window.dispatchEvent(new Event("key-refused"));
  return element("p", { class: "problem", role: "alert" }, error.message);
}
