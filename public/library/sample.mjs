// The first run: an empty library offers a sample. Its ids are fixed, so that loading it again changes nothing.
import { Failure, ask } from "./api.mjs";
import { SERVICE_KEY } from "./development.mjs";
import { element, say, told } from "./element.mjs";
import { askFor } from "./question.mjs";
import { promptAddress } from "./route.mjs";

/** What an empty library shows. */
export const firstRun = () =>
  element(
    "section",
    { class: "first" },
    element("h1", { tabindex: -1 }, "This library is empty"),
    element("p", {}, "Load thirty sample prompts to look around. They can be searched, filled in, copied, liked, forked and compared, and whatever you do is counted at once."),
    element("div", { class: "actions" }, element("button", { type: "button", class: "main", onclick: told(begin) }, "Load 30 sample prompts")),
    element("p", { class: "note" }, "For prompts of your own: make demo-data FILE=prompts.csv reads a CSV file with the columns title and template."),
  );

async function begin() {
  const { body: sample } = await ask("/library/sample.json");
  const done = (await withDevelopmentKey(sample)) || (await withKey(sample));
  if (!done) return;
  location.hash = promptAddress(sample.prompts[0]);
  say(`${sample.prompts.length} prompts are loaded. You are reading the first: its views go up in a moment.`);
}

async function withDevelopmentKey(sample) {
  try {
    return await load(sample, SERVICE_KEY);
  } catch (failure) {
    if (failure.status === 401) return false;
    throw failure;
  }
}

const withKey = (sample) =>
  askFor({
    title: "The service key, please",
    why: "This instance has keys of its own, and only its service may bring prompts in. The key is used for this once and is not kept.",
    label: "Service key",
    attempt: (key) => load(sample, key),
  });

/** Brings in the prompts, and offers each as a template. */
async function load({ user_id, prompts }, key) {
  const lines = prompts.map(({ template_id, ...row }) => JSON.stringify({ table: "prompts", row: { ...row, user_id, is_public: true } }));
  const { body } = await ask("/v1/import", {
    method: "POST",
    credential: key,
    type: "application/x-ndjson",
    body: `${lines.join("\n")}\n`,
  });
  if (body.refused_count > 0) throw new Failure(`The library refused ${body.refused_count} prompts: ${body.refused[0].detail}`);
  await ask("/rest/v1/prompt_templates?on_conflict=id", {
    method: "POST",
    credential: key,
    headers: { Prefer: "resolution=merge-duplicates,return=minimal" },
    body: prompts.map(({ id, template_id, category, tags }) => ({ id: template_id, prompt_id: id, category, tags })),
  });
  return true;
}
