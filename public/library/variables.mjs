// The variables of a template: ${name}, ${name:default} and {{name}}; where there are none of these, [NAME] in capitals.

const MARKED = /\$\{([\p{L}_][\p{L}\p{N}_ .,'/-]{0,59})(?::([^{}\n]{0,200}))?\}|\{\{\s*([\p{L}_](?:[\p{L}\p{N}_ .-]|\\_){0,59}?)\s*\}\}/gu;
const BRACKETS = /\\?\[([A-Z][A-Z0-9 _/-]{1,39})\](?!\()/g;

/**
 * A template in parts: texts, and `{name, source}` where a variable stands, `source` being how. With them the variables,
 * each once, as `{name, label, value}`: `declared` is the prompt's own list, which may have defaults.
 */
export function parsed(template, declared) {
  const marked = [...template.matchAll(MARKED)];
  const found = marked.length > 0 ? marked : [...template.matchAll(BRACKETS)];
  const parts = [];
  const variables = new Map();
  let end = 0;
  for (const match of found) {
    const [source, inDollar, value, inBraces] = match;
    const name = (inBraces ?? inDollar).replaceAll("\\", "").trim();
    parts.push(template.slice(end, match.index), { name, source });
    end = match.index + source.length;
    const known = variables.get(name)?.value || (marked.length > 0 && value);
    variables.set(name, { name, label: labelOf(name), value: known || declaredValue(declared, name) });
  }
  parts.push(template.slice(end));
  return { parts: parts.filter((part) => part !== ""), variables: [...variables.values()] };
}

/** The template with these values, a map by name. What has none stays as it is written. */
export const filled = (parts, values) =>
  parts.map((part) => (typeof part === "string" ? part : values.get(part.name) || part.source)).join("");

/** The name as people write it. */
function labelOf(name) {
  const words = name.replaceAll("_", " ").replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2").trim();
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

function declaredValue(declared, name) {
  const variable = Array.isArray(declared) ? declared.find((one) => one?.name === name) : null;
  return typeof variable?.default === "string" ? variable.default : "";
}
