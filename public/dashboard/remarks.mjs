// What there is to say about an experiment's results, in words.
import { chance, percent, second, whole } from "./format.mjs";

const DISTRUSTED = "do not trust: sample ratio";
const EXPLAINED = {
  "not enough data": "Before it is judged, the baseline and a variant need ten sessions with a conversion and ten without.",
  "no difference yet": "Nothing is known to be better. It may be read again as often as you like.",
  [DISTRUSTED]:
    "Sessions do not come to the variants in the shares that were declared. Something is broken, and it may be anything.",
};
const DECIDED =
  "By the sequential test, which may be read at any time: without a difference, at most 5\u00a0% of experiments ever name one.";

/** A verdict with what it means, and a class that shows of which kind it is. */
export function explained(verdict) {
  const kind = verdict === DISTRUSTED ? "distrusted" : Object.hasOwn(EXPLAINED, verdict) ? "open" : "decided";
  return { verdict, kind, meaning: EXPLAINED[verdict] ?? DECIDED };
}

/** A number with what it is of, and what follows if it is one, or more. */
const counted = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;

const WARNINGS = {
  multi_variant_sessions: (n) =>
    `${counted(n, "session", "sessions")} saw more than one variant. Look whether a unit keeps its variant.`,
  unexposed_sessions: (n) =>
    `${counted(n, "session has", "sessions have")} events, but no exposure, and so no variant. Look whether exposures are sent.`,
  rejected: (n) =>
    `${counted(n, "event was", "events were")} rejected: too old, of a variant that is not declared, or under a used id.`,
  unmeasured: (n) =>
    `${counted(n, "conversion is", "conversions are")} not measured, beyond the 250 with a metric that are kept of a session.`,
};
const NOTES = {
  late: (n) =>
    `${counted(n, "event", "events")} came more than an hour late, and ${n === 1 ? "is" : "are"} counted at the time of happening.`,
  duplicates: (n) => `${counted(n, "event", "events")} came again, and ${n === 1 ? "was" : "were"} counted once.`,
};
const WHAT_TO_LOOK_FOR =
  "Look for what loses sessions of one variant alone: a redirect, an error, a filter of robots, an exposure that comes too late.";
const RECALCULATING =
  "The rules were changed, and sessions are still to be judged by them: until then the figures are of the old rules, or of both.";

/** What is said of those figures of quality that are not 0. */
const ofQuality = (quality, words) =>
  Object.keys(words)
    .filter((name) => quality[name])
    .map((name) => words[name](quality[name]));

/** The mismatch, with the shares that were declared and those that came. */
function mismatch({ variants, sample_ratio: ratio }, declared) {
  const sessionsOf = ({ key }) => variants.find((variant) => variant.key === key)?.sessions ?? 0;
  const weighted = declared.filter(({ weight }) => weight > 0);
  const sum = weighted.reduce((sum, variant) => sum + sessionsOf(variant), 0);
  const shares = weighted.map((variant) => {
    const came = sessionsOf(variant);
    const share = `${percent(came / sum)} in place of ${percent(variant.weight)}`;
    return `“${variant.key}” got ${whole(came)} of ${whole(sum)} sessions, ${share}`;
  });
  const p = `However often one looks, the chance of such shares is ${chance(ratio.sequential_p_value)}.`;
  return `Sample ratio mismatch: ${shares.join("; ")}. ${p} ${WHAT_TO_LOOK_FOR}`;
}

function ofSampleRatio({ mismatch, reason, sequential_p_value: p }) {
  if (mismatch) return [];
  if (reason) return [`Sample ratio: ${reason}`];
  return [
    `Sample ratio: sessions come in the shares that were declared, as far as is known (sequential p-value ${chance(p)}).`,
  ];
}

/** The remarks on results: `isWarning` and `text` each, warnings first. `declared` are the variants with their weights. */
export function remarks(results, declared) {
  const { sample_ratio: ratio, quality, recalculating, as_of } = results;
  const warnings = [
    ...(ratio.mismatch ? [mismatch(results, declared)] : []),
    ...(recalculating ? [RECALCULATING] : []),
    ...ofQuality(quality, WARNINGS),
  ];
  const notes = [
    ...(warnings.length ? [] : ["Nothing speaks against these figures."]),
    ...ofSampleRatio(ratio),
    ...ofQuality(quality, NOTES),
    `Every event that was acknowledged before ${second(as_of)} is in these figures.`,
  ];
  return [...warnings.map((text) => ({ isWarning: true, text })), ...notes.map((text) => ({ isWarning: false, text }))];
}
