// Two prompts side by side. That a reader put them there is recorded, once in a tab.
import { Failure, ask } from "./api.mjs";
import { copier } from "./copying.mjs";
import { counts, watchCounts } from "./counts.mjs";
import { element, say, told } from "./element.mjs";
import { promptNamed } from "./prompts.mjs";
import { promptAddress } from "./route.mjs";
import { asUser, credentialAtHand } from "./session.mjs";
import { newId, tab } from "./storage.mjs";

/** The page of a comparison of the prompts of these ids or slugs. */
export async function comparisonPage({ names }) {
  const prompts = await Promise.all(names.map(promptNamed));
  const ids = prompts.map(({ id }) => id);
  if (ids[0] === ids[1]) throw new Failure("This is one prompt. Choose two to compare.");
  const title = "Side by side";
  return {
    title,
    content: [
      element("h1", { tabindex: -1 }, title),
      element("p", { class: "note" }, await recorded(ids)),
      element("div", { class: "columns" }, prompts.map(column)),
    ],
  };
}

function column(prompt) {
  const { id, title, goal, template, category } = prompt;
  const words = template.split(/\s+/).filter(Boolean).length;
  return element(
    "article",
    { class: "prompt", "data-prompt-id": id, "data-prompt-text": template },
    category && element("p", { class: "category" }, category),
    element("h2", {}, element("a", { href: promptAddress(prompt) }, title)),
    goal && element("p", { class: "goal" }, goal),
    counts(id),
    element("p", { class: "note" }, `${words.toLocaleString("en")} words`),
    element("div", { class: "actions" }, copier()),
    element("pre", { class: "text" }, template),
  );
}

/** Records the comparison if that takes no question, and gives what to tell of it: a sentence, or a button to be asked. */
async function recorded(ids) {
  const done = "This comparison is counted for both.";
  try {
    const token = await credentialAtHand();
    if (token) return (await record(ids, token)) && done;
  } catch (failure) {
    return `This comparison is not counted. ${failure.message}`;
  }
  const button = element("button", { type: "button" }, "Count this comparison");
  button.addEventListener(
    "click",
    told(async () => {
      if (!(await asUser("A comparison is somebody's.", (pasted) => record(ids, pasted)))) return;
      button.replaceWith(done);
      say(done);
      await watchCounts();
    }),
  );
  return button;
}

async function record(ids, token) {
  const key = `compared:${[...ids].sort().join(":")}`;
  const comparison_id = tab.get(key) ?? newId();
  tab.set(key, comparison_id);
  const events = ids.map((prompt_id) => ({ id: comparison_id, type: "compare_add", prompt_id, comparison_id }));
  const { body } = await ask("/v1/events", { method: "POST", credential: token, body: events });
  const [refused] = body.rejected;
  if (refused) throw new Failure(refused.detail, { status: refused.code === "user_required" ? 401 : 400 });
  return true;
}
