// Copies: a click on an element with `data-prompt-copy` copies a text, and is counted once that is copied.
import { quietly } from "./quietly.mjs";

/**
 * Calls `count` with the id of each prompt that is copied: that of the closest element with `data-prompt-id`.
 * The text is that element's `data-prompt-text`; without one `data-prompt-copy` is a selector of what has it, within.
 */
export const watchCopies = (count) =>
  addEventListener(
    "click",
    quietly(async ({ target }) => {
      const button = target.closest("[data-prompt-copy]");
      const prompt = button.closest("[data-prompt-id]");
      const { promptId, promptText } = prompt.dataset;
      const source = promptText ?? prompt.querySelector(button.dataset.promptCopy);
      await navigator.clipboard.writeText(source.value ?? source.innerText ?? source);
      count(promptId);
    }),
    true,
  );
