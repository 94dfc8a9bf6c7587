// What the runtime calls: requests, the cron, and the objects. Each call is one into WebAssembly.
//
// A panic stops WebAssembly in the middle of what it does, so it starts anew before the next call, and with it the objects.
import { DurableObject } from "cloudflare:workers";
import * as worker from "promptmeter-bindings";
import { refusal } from "./door.js";
import { headOf } from "./http.js";

/** Bytes of a body that is read before WebAssembly is entered: as many as a place of REQUESTS_IN_HAND stands for. */
const SHORT_BODY_BYTES = 16 * 1024;
/** Bodies that are read so at the same time. Others are read when their requests have their places. */
const BODIES_AT_ONCE = 1024;

Error.stackTraceLimit = 100;
const state = worker.__worker_init_state();

function note(error) {
  if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
}
addEventListener("error", ({ error }) => note(error));

/** Has it started anew if that is due: the bindings would only when what they are given lies in the memory of before. */
function alive() {
  if (state.criticalError) worker.__wbg_reset_state();
  else worker.__worker_init_state();
  state.criticalError = false;
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

/** By which tasks of WebAssembly go on. The runtime's own wraps what it is given, and unwraps it when it is called, each time. */
globalThis.queueMicrotask = (goOn) => {
  Promise.resolve().then(() => {
    try {
      goOn();
    } catch (error) {
      reportError(error);
    }
  });
};

let reading = 0;

/** Reads a short body, then answers. */
function answerWhenRead(request, head, env, context) {
  const answer = (body) => call(() => worker.fetch(request, head, body, env, context));
  reading++;
  return request.arrayBuffer().then(
    (body) => {
      reading--;
      return refusal(request) ?? answer(new Uint8Array(body));
    },
    () => {
      reading--;
      // It broke off, which whoever wants to read it is told.
      return answer();
    },
  );
}

export default {
  fetch(request, env, context) {
    const refused = refusal(request);
    if (refused) return refused;
    const { head, bodyBytes } = headOf(request);
    const isShort = bodyBytes > 0 && bodyBytes <= SHORT_BODY_BYTES && reading < BODIES_AT_ONCE;
    const answered = isShort
      ? answerWhenRead(request, head, env, context)
      : call(() => worker.fetch(request, head, undefined, env, context));
    // A request whose client goes away is not cut off, for others wait for what it does.
    if (answered instanceof Promise) context.waitUntil(answered);
    return answered;
  },

  scheduled: (event, env, context) => call(() => worker.scheduled(event, env, context)),
};

/** By which a call enters an object: other objects cannot name it. */
const enter = Symbol("enter");

/** The class of an object, which is made anew when WebAssembly is. */
function object(Bound) {
  return class extends DurableObject {
    #given;
    #bound;
    #instance;

    constructor(...given) {
      super(...given);
      this.#given = given;
      this[enter](() => {});
    }

    [enter](work) {
      return call(() => {
        if (this.#instance !== state.instanceId) [this.#bound, this.#instance] = [new Bound(...this.#given), state.instanceId];
        return work(this.#bound);
      });
    }

    ask(command) {
      return this[enter]((bound) => bound.ask(command));
    }

    /** Isolates of the build before ask by a request, while this one comes. */
    async fetch(request) {
      const told = await this.ask(new Uint8Array(await request.arrayBuffer()));
      return new Response(told, { status: typeof told === "string" ? 503 : 200 });
    }
  };
}

export class PromptCounter extends object(worker.PromptCounter) {
  fetch(request) {
    return this[enter]((counter) => counter.fetch(request));
  }

  alarm() {
    return this[enter]((counter) => counter.alarm());
  }
}
export const CounterShard = object(worker.CounterShard);
export const ExperimentRecorder = object(worker.ExperimentRecorder);
