// The call of the API that a figure comes from: a link to it, and a command that makes it.
import { element, say } from "./elements.mjs";

/** A text as a shell takes it. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command that makes a call. The key is named and not told, so that it may be passed on. */
export function curl(address, { body, prefer } = {}) {
  const parts = ["curl", quoted(new URL(address, location.href).href), '-H "Authorization: Bearer $SERVICE_KEY"'];
  if (prefer) parts.push(`-H ${quoted(`Prefer: ${prefer}`)}`);
  if (body) parts.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" ");
}

/** Where figures come from. Only what is public answers a link, for a link brings no key. */
export function source(address, { body, prefer } = {}) {
  const command = curl(address, { body, prefer });
  const copy = async () => {
    await navigator.clipboard.writeText(command);
    say("The command is copied.");
  };
  // Without TLS there is no clipboard; the text can be marked.
  const button = navigator.clipboard && element("button", { type: "button", on: { click: copy } }, "Copy curl");
  return element(
    "div",
    { class: "source" },
    element("a", { href: address }, `${body ? "POST" : "GET"} ${address}`),
    element("details", {}, element("summary", {}, "as a command"), element("code", {}, command), button),
  );
}

/** Figures with their names, each a link to the call that it comes from: `[name, text, address]`. */
export function figures(entries) {
  const shown = ([name, text, address]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, address ? element("a", { href: address }, text) : text));
  return element("dl", { class: "figures" }, entries.map(shown));
}
