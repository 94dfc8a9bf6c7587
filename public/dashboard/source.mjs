// The call of the API that a figure comes from: pressed, it shows the answer.
import { nameOf, showAnswer } from "./answer.mjs";
import { element } from "./elements.mjs";

const caller = (text, address, call = {}) =>
  element(
    "button",
    {
      type: "button",
      class: "call",
      "aria-haspopup": "dialog",
      title: nameOf(address, call),
      on: { click: () => showAnswer(address, call) },
    },
    text,
  );

/** Where figures come from; what is sent is `body`, and `prefer` the header of that name. */
export const source = (address, call = {}) =>
  element("p", { class: "source" }, caller(nameOf(address, call), address, call));

/** Figures with their names, each with the call that it comes from: `[name, text, address, call]`. */
export function figures(entries) {
  const shown = ([name, text, address, call]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, address ? caller(text, address, call) : text));
  return element("dl", { class: "figures" }, entries.map(shown));
}
