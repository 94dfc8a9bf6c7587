// What the runtime calls: requests, the cron, and the objects. Each call is one into WebAssembly.
//
// A panic stops WebAssembly in the middle of what it does, so it starts anew before the next call, and with it the objects.
import * as worker from "promptmeter-bindings";
import { refusal } from "./door.js";
import { headOf } from "./http.js";

/** Bytes of a body that is read before WebAssembly is entered: as many as one place of REQUESTS_IN_HAND stands for. */
const SHORT_BODY_BYTES = 16 * 1024;

Error.stackTraceLimit = 100;
const state = worker.__worker_init_state();

function note(error) {
  if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
}
addEventListener("error", ({ error }) => note(error));

function alive() {
  if (!state.criticalError) return;
  worker.__wbg_reset_state();
  state.criticalError = false;
  state.instanceId++;
}

function call(work) {
  alive();
  try {
    return work();
  } catch (error) {
    note(error);
    throw error;
  }
}

const answer = (request, body, env, context) => call(() => worker.fetch(request, headOf(request), body, env, context));

export default {
  fetch(request, env, context) {
    const refused = refusal(request);
    if (refused) return refused;
    const length = Number(request.headers.get("content-length"));
    if (!(length > 0 && length <= SHORT_BODY_BYTES)) return answer(request, undefined, env, context);
    return request.arrayBuffer().then(
      (body) => answer(request, new Uint8Array(body), env, context),
      // It broke off, which whoever wants to read it is told.
      () => answer(request, undefined, env, context),
    );
  },

  scheduled: (event, env, context) => call(() => worker.scheduled(event, env, context)),
};

/** The class of an object, which is made anew when WebAssembly is. */
function object(Bound) {
  return class {
    #given;
    #bound;
    #instance;

    constructor(...given) {
      this.#given = given;
      call(() => this.#current());
    }

    #current() {
      if (this.#instance !== state.instanceId) [this.#bound, this.#instance] = [new Bound(...this.#given), state.instanceId];
      return this.#bound;
    }

    fetch(request) {
      return call(() => this.#current().fetch(request));
    }

    alarm() {
      return call(() => this.#current().alarm());
    }
  };
}

export const PromptCounter = object(worker.PromptCounter);
export const CounterShard = object(worker.CounterShard);
export const ExperimentRecorder = object(worker.ExperimentRecorder);
