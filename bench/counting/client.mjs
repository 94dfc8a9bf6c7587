// The process that sends, seen from the one that says what.
import { fork } from "node:child_process";
import { join } from "node:path";

/** Starts it: `run` has it carry out a plan of load.mjs and gives what came of it. */
export function startClient() {
  const child = fork(join(import.meta.dirname, "load.mjs"));
  return {
    run: (plan) =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error("the client ended"));
        child.once("exit", ended);
        child.once("message", (outcome) => {
          child.off("exit", ended);
          resolve(outcome);
        });
        child.send(plan);
      }),
    end: () => child.kill(),
  };
}
