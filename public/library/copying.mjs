// Copying. /pm.js copies the text of the element with `data-prompt-id` and counts that; here the reader is told.
import { Failure } from "./api.mjs";
import { element, say, told } from "./element.mjs";

/** A button that copies. */
export const copier = () => element("button", { type: "button", class: "main", "data-prompt-copy": true, onclick: told(tell) }, "Copy");

async function tell({ currentTarget }) {
  const { promptText } = currentTarget.closest("[data-prompt-id]").dataset;
  const byHand = "Select the text and copy it by hand.";
  if (!navigator.clipboard) throw new Failure(`Browsers copy for pages only over https and from localhost. ${byHand}`);
  try {
    // The script keeps to itself whether it could: the same text once more tells.
    await navigator.clipboard.writeText(promptText);
  } catch {
    throw new Failure(`The browser did not let the page copy. ${byHand}`);
  }
  say("Copied.");
}
