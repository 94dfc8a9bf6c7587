// Samples of a text in Prometheus's format.

/** The samples of a text, each with its family, its labels as they stand there, its number and what the family is. */
export function samples(text) {
  const helps = new Map();
  const found = [];
  for (const line of text.split("\n")) {
    const [, name, help] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    if (name) helps.set(name, help);
    const [, family, labels = "", number] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line) ?? [];
    if (family) found.push({ family, labels: labels.slice(1, -1), number: Number(number), help: helps.get(family) ?? "" });
  }
  return found;
}
