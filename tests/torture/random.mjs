// Random numbers that a seed decides, so that a run can be repeated.

/** A generator of its own for each name under a seed: what one draws does not change what another does. */
export class Random {
  #state;

  constructor(seed, name = "") {
    this.#state = [...`${seed}/${name}`].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0), 16_777_619), 2_166_136_261);
  }

  /** A whole number of 32 bits (mulberry32). */
  bits() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end) {
    return Math.floor((this.bits() / 2 ** 32) * end);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  /** True in so many of 100 cases. */
  perCent(share) {
    return this.bits() / 2 ** 32 < share / 100;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** A name by its weight, of `{name: weight}`. */
  weighted(weights) {
    let point = this.below(Object.values(weights).reduce((sum, weight) => sum + weight, 0));
    return Object.keys(weights).find((name) => (point -= weights[name]) < 0);
  }

  uuid() {
    const hex = Array.from({ length: 4 }, () => this.bits().toString(16).padStart(8, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
