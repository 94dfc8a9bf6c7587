// Highlights of a search: escaped HTML with <mark>, read as text so that nothing of it becomes HTML again.
import { element } from "./element.mjs";

const ESCAPED = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
const unescaped = (text) => text.replace(/&(?:lt|gt|quot|#39|amp);/g, (escape) => ESCAPED[escape]);

/** Its texts, those that were found as elements. */
export const unmarked = (html) =>
  html.split(/<mark>(.*?)<\/mark>/s).map((text, index) => {
    const read = unescaped(text);
    return index % 2 ? element("mark", {}, read) : read;
  });
