// Experiments: variants, and what a session did. A session ends with its tab, and nothing outlives it.
import { assign } from "./assignment.mjs";
import { quietly } from "./quietly.mjs";
import { address, newId, track as send } from "./sending.mjs";

/** What the session remembers; the page alone does where storage is blocked. Of who objects nothing is, so they take no part. */
let memory = {};
quietly(() => (memory = navigator.globalPrivacyControl ? null : sessionStorage || memory))();

/** Whose events of an experiment these are: the unit's that was given for it, or the tab's. It tells which are of one visitor. */
const session = (experiment_id, unit) =>
  (memory[`pm:${experiment_id}`] = unit || memory[`pm:${experiment_id}`] || newId());

const idOf = (experiment) => experiment.experiment_id || experiment;

/** Sends an event soon; one of an experiment has the session. */
export const track = quietly((event) => send({ session_id: event.experiment_id && session(event.experiment_id), ...event }));

/** Tells that what the experiment is for has happened in this session, or by this unit. */
export const convert = quietly((experiment, properties) =>
  track({ type: "conversion", experiment_id: idOf(experiment), properties }),
);

/**
 * The key of a unit's variant, or undefined. The unit is the tab unless another is given: that one's are the events of the experiment
 * then, in whatever tab. `experiment` is an id, of which the worker is asked, or a declaration, which needs no request. A tab stays
 * with what the worker said, and tells once that its unit was exposed.
 */
export const variant = quietly(async (experiment, unit) => {
  const experiment_id = idOf(experiment);
  unit = session(experiment_id, unit);
  const path = `/v1/experiments/${encodeURIComponent(experiment_id)}/assignment?unit=${encodeURIComponent(unit)}`;
  const variant_key = experiment.variants
    ? assign(experiment, unit)
    : memory[path] || (await (await fetch(new URL(path, address))).json()).variant;
  if (!variant_key) return;
  // It is remembered before it is told: where that fails it is not shown either.
  if (memory[path] != (memory[path] = variant_key)) track({ type: "exposure", experiment_id, variant_key });
  return variant_key;
});
