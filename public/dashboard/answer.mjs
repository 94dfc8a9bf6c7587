// The answer to a call of the API, as it came: a link to it would bring no key.
import { connection } from "./api.mjs";
import { element, fill } from "./elements.mjs";
import { storedKey } from "./key.mjs";
import { whole } from "./format.mjs";

/** More of a text is not shown. */
const MOST_CHARACTERS = 200_000;

/** A text as a shell takes it. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command that makes a call. The key is named and not told, so that it may be passed on. */
function curl(address, { body, prefer }) {
  const parts = ["curl", quoted(new URL(address, location.href).href), '-H "Authorization: Bearer $SERVICE_KEY"'];
  if (prefer) parts.push(`-H ${quoted(`Prefer: ${prefer}`)}`);
  if (body) parts.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" ");
}

/** How a call is named. */
export const nameOf = (address, { body }) => `${body ? "POST" : "GET"} ${address}`;

/** Makes a call, shows its answer in a dialog, and how to make it by hand. */
export function showAnswer(address, call) {
  const asking = new AbortController();
  const answer = element("div");
  const command = curl(address, call);
  const copy = async () => {
    await navigator.clipboard.writeText(command);
    said.textContent = "The command is copied.";
  };
  const said = element("span", { role: "status" });
  const close = () => dialog.close();
  const dialog = element(
    "dialog",
    { "aria-labelledby": "answer-title", on: { close: () => (asking.abort(), dialog.remove()) } },
    element("h2", { id: "answer-title" }, nameOf(address, call)),
    answer,
    element("h3", {}, "As a command"),
    element("code", {}, command),
    element(
      "div",
      { class: "choices" },
      // Without TLS there is no clipboard; the text can be marked.
      navigator.clipboard && element("button", { type: "button", on: { click: copy } }, "Copy curl"),
      element("button", { type: "button", on: { click: close } }, "Close"),
      said,
    ),
  );
  for (const event of ["key-refused", "hashchange"]) window.addEventListener(event, close, { signal: asking.signal });
  document.body.append(dialog);
  dialog.showModal();
  return fill(answer, () => answered(connection(storedKey(), asking.signal), address, call));
}

async function answered({ ask }, address, { body, prefer }) {
  const headers = prefer ? { Prefer: prefer } : {};
  const { answer, range } = await ask(address, { method: body ? "POST" : "GET", body, headers });
  const text = typeof answer === "string" ? answer : JSON.stringify(answer, null, 2);
  const rest = text.length - MOST_CHARACTERS;
  return [
    range && element("p", { class: "quiet" }, `Content-Range: ${range}`),
    element("pre", { tabindex: "0", role: "group", "aria-label": "The answer" }, text.slice(0, MOST_CHARACTERS)),
    rest > 0 && element("p", { class: "quiet" }, `${whole(rest)} more characters are not shown.`),
  ];
}
