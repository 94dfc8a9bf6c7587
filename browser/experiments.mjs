// Experiments: variants, and what a session did. A session ends with its tab, and nothing outlives it.
import { assign } from "./assignment.mjs";
import { quietly } from "./quietly.mjs";
import { address, newId, track as send } from "./sending.mjs";

/** What the session remembers; the page alone does where storage is blocked. */
let memory = {};
quietly(() => (memory = sessionStorage || memory))();

/** The session, unless a unit is given. It tells which events are of one visitor: who objects takes no part. */
const session = (unit) => {
  if (navigator.globalPrivacyControl) throw 0;
  return unit || (memory.pm ||= newId());
};

const idOf = (experiment) => experiment.experiment_id || experiment;

/** Sends an event soon; one of an experiment has the session. */
export const track = quietly((event) => send({ session_id: event.experiment_id && session(), ...event }));

/** Tells that what the experiment is for has happened in this session. */
export const convert = quietly((experiment, properties) =>
  track({ type: "conversion", experiment_id: idOf(experiment), properties }),
);

/**
 * The key of a unit's variant, or undefined. The unit is the session unless another is given. `experiment` is an id, of
 * which the worker is asked, or a declaration, which needs no request. A session stays with what the worker said, and
 * tells once that it was exposed.
 */
export const variant = quietly(async (experiment, unit) => {
  const experiment_id = idOf(experiment);
  unit = session(unit);
  const path = `/v1/experiments/${encodeURIComponent(experiment_id)}/assignment?unit=${encodeURIComponent(unit)}`;
  const variant_key = experiment.variants
    ? assign(experiment, unit)
    : memory[path] || (await (await fetch(new URL(path, address))).json()).variant;
  if (!variant_key) return;
  if (memory[path] != variant_key) track({ type: "exposure", experiment_id, variant_key });
  return (memory[path] = variant_key);
});
