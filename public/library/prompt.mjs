// The page of a prompt: its variables to fill in, and what one can do with it.
import { Failure, ask } from "./api.mjs";
import { copier } from "./copying.mjs";
import { counts } from "./counts.mjs";
import { element, say, told } from "./element.mjs";
import { liker } from "./liking.mjs";
import { lineageOf } from "./lineage.mjs";
import { promptNamed } from "./prompts.mjs";
import { listAddress, promptAddress } from "./route.mjs";
import { chooser } from "./selection.mjs";
import { asUser } from "./session.mjs";
import { newId } from "./storage.mjs";
import { filled, parsed } from "./variables.mjs";

/** The page of the prompt of this id or slug. */
export async function promptPage({ name }) {
  const prompt = await promptNamed(name);
  const address = promptAddress(prompt);
  if (location.hash !== address) history.replaceState(null, "", address);
  const text = textOf(prompt);
  const [template] = prompt.prompt_templates;
  const [like, { origin, forks }] = await Promise.all([template && liker(template.id), lineageOf(prompt)]);
  const article = element(
    "article",
    { class: "prompt", "data-prompt-id": prompt.id },
    prompt.category && element("p", { class: "category" }, element("a", { href: listAddress(prompt) }, prompt.category)),
    element("h1", { tabindex: -1 }, prompt.title),
    prompt.goal && element("p", { class: "goal" }, prompt.goal),
    !prompt.is_public && element("p", { class: "note" }, "Only you can see this prompt."),
    origin,
    counts(prompt.id),
    text.form,
    element("h2", {}, "The prompt"),
    element("div", { class: "actions" }, copier(), like, forker(prompt), chooser(prompt)),
    text.shown,
    prompt.negative_prompt && [element("h2", {}, "What to avoid"), element("pre", { class: "text" }, prompt.negative_prompt)],
  );
  text.fill(article);
  return { title: prompt.title, content: [element("div", { class: "beside" }, article, forks)] };
}

/** The text of a prompt with fields for its variables. `fill` puts in what the fields hold, now and whenever it changes. */
function textOf({ template, variables: declared }) {
  const { parts, variables } = parsed(template, declared);
  const shown = element("pre", { class: "text" });
  const fields = variables.map(({ value, label }, index) => [
    element("label", { for: `variable-${index}` }, label),
    element("textarea", { id: `variable-${index}`, rows: 1, "data-variable": index }, value),
  ]);
  const form =
    fields.length > 0 &&
    element("form", { class: "variables" }, element("h2", {}, "Fill in"), fields.map((field) => element("div", {}, field)));

  function fill(article) {
    const valueOf = (index) => form.querySelector(`[data-variable="${index}"]`).value;
    const values = new Map(variables.map(({ name }, index) => [name, valueOf(index)]));
    article.dataset.promptText = filled(parts, values);
    shown.replaceChildren(
      ...parts.map((part) => {
        if (typeof part === "string") return part;
        const value = values.get(part.name);
        return value ? element("span", { class: "filled" }, value) : element("mark", {}, part.source);
      }),
    );
    if (form) form.oninput = () => fill(article);
  }
  if (form) form.onsubmit = (event) => event.preventDefault();
  return { form, shown, fill };
}

function forker({ id }) {
  // If the answer is lost, the same again is the same fork.
  const headers = { "Idempotency-Key": newId() };
  const fork = (token) => ask(`/v1/prompts/${id}/fork`, { method: "POST", credential: token, headers });
  const onclick = told(async () => {
    const made = await asUser("A fork is a copy of your own.", fork);
    if (!made) return;
    if (!made.body?.id) throw new Failure("The library did not tell which prompt the fork is.");
    location.hash = promptAddress(made.body);
    say("This fork is yours.");
  });
  return element("button", { type: "button", onclick }, "Fork");
}
