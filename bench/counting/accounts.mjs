// What a benchmark was told, so that it can be compared with what is stored.

/** What was acknowledged of each prompt, and what nobody knows: the answer was an error, or did not come. */
export class Accounts {
  constructor(prompts) {
    this.acknowledged = new Array(prompts).fill(0);
    this.unknown = new Array(prompts).fill(0);
    this.errors = new Map();
    this.values = new Map();
    this.wrong = 0;
  }

  /** An event of a prompt was acknowledged. */
  acknowledge(prompt) {
    this.acknowledged[prompt]++;
  }

  /** The answer to a request was none that it should be. */
  fail(prompts, reason) {
    for (const prompt of prompts) this.unknown[prompt]++;
    this.errors.set(reason, (this.errors.get(reason) ?? 0) + 1);
  }

  /** The highest value that was told of a prompt so far. */
  highest(prompt) {
    return this.values.get(prompt)?.highest ?? 0;
  }

  /**
   * A view was told the value of its prompt's counter. It is wrong if another view was told it, or if it is not higher than
   * `floor`, what was the highest when the view was sent.
   */
  tell(prompt, value, floor) {
    let told = this.values.get(prompt);
    if (!told) this.values.set(prompt, (told = { highest: 0, all: new Set() }));
    const isValue = Number.isSafeInteger(value);
    if (!isValue || value <= floor || told.all.has(value)) this.wrong++;
    if (!isValue) return;
    told.all.add(value);
    told.highest = Math.max(told.highest, value);
  }
}

/**
 * What is missing and what is too much in the counts that are stored, and of how many prompts a value was told that is higher
 * than that. An event whose fate nobody knows may be stored or not. All are numbers by prompt.
 */
export function compare({ acknowledged, unknown, highest }, stored) {
  const sum = (difference) => stored.reduce((total, count, prompt) => total + Math.max(difference(count, prompt), 0), 0);
  return {
    lost: sum((count, prompt) => acknowledged[prompt] - count),
    doubled: sum((count, prompt) => count - acknowledged[prompt] - unknown[prompt]),
    ahead: stored.filter((count, prompt) => highest[prompt] > count).length,
  };
}

/** How many requests had errors, of what `Accounts` has by their reasons. */
export const errorCount = (errors) => Object.values(errors).reduce((sum, times) => sum + times, 0);
