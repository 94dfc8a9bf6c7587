// Which variant a unit has, by a declaration as the worker tells it: what src/experiments/assignment.rs says.

/** FNV-1a of 32 bits over UTF-16 code units, each taken in whole. */
const hash = (text) => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

const thousandths = (text) => (hash(text) % 1000) / 1000;

/** The key of a unit's variant, or undefined. */
export const assign = ({ variants, coverage, seed, hash_version, namespace, status }, unit) => {
  const [name, start, end] = namespace || [];
  const place = thousandths(unit + "__" + name);
  if (status != "running" || place < start || place >= end) return;
  const bucket = hash_version > 1 ? (hash(hash(seed + unit) + "") % 10000) / 10000 : thousandths(unit + seed);
  let sum = 0;
  return variants.find(({ weight }) => bucket >= sum && bucket < sum + coverage * weight || ((sum += weight), 0))?.key;
};
