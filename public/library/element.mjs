// Elements, made of texts: nothing here takes HTML, so whatever a prompt says is shown as it is written.

/**
 * An element with attributes, listeners (`onclick`) and children, which are texts or elements. Attributes and children
 * that are null, undefined or false are left out.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SAID_MS = 6000;
let silence;

/** Tells something that has just been done, to those who look and those who listen. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (said.textContent = ""), SAID_MS);
}

/** What a listener does, with its failure told instead of thrown. A second press while it runs does nothing. */
export function told(work) {
  return async (event) => {
    const button = event.currentTarget;
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    try {
      await work(event);
    } catch (failure) {
      say(failure.message);
    } finally {
      button.ariaBusy = null;
    }
  };
}
