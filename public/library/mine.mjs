// The reader's own prompts: forks, and whatever else the reader made here.
import { cards } from "./cards.mjs";
import { element, told } from "./element.mjs";
import { own } from "./prompts.mjs";
import { asUser, credentialAtHand, userOf } from "./session.mjs";

const TITLE = "My prompts";

/** The page of the reader's prompts; where nobody is signed in it asks who the reader is. */
export async function minePage() {
  const token = await credentialAtHand();
  const user = token && userOf(token);
  return { title: TITLE, content: [element("h1", { tabindex: -1 }, TITLE), ...(user ? await listOf(user) : [question()])] };
}

async function listOf(user) {
  const next = own(user);
  const first = await next();
  if (first.prompts.length > 0) return cards(first, next, sentence);
  const all = element("a", { class: "button", href: "#/" }, "All prompts");
  return [element("p", {}, "There are none yet. Fork a prompt: the fork is yours, and stands here."), element("div", { class: "actions" }, all)];
}

const sentence = (shown, hasMore) =>
  `${hasMore ? `The first ${shown}` : shown} ${shown === 1 ? "prompt is" : "prompts are"} yours, the newest first.`;

function question() {
  const ask = told(async () => {
    const isKnown = await asUser("Whose prompts are to be shown is told by a token.", (token) => userOf(token) !== null);
    if (isKnown) dispatchEvent(new Event("hashchange"));
  });
  return element("div", { class: "actions" }, element("button", { type: "button", class: "main", onclick: ask }, "Say who I am"));
}
