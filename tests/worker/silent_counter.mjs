// Stands in front of the built worker: the first command to a counter is carried out, and its answer never comes.
import { PromptCounter as Counter } from "./index.js";

export { CounterShard, default, ExperimentRecorder } from "./index.js";

let isFirst = true;

export class PromptCounter extends Counter {
  async ask(command) {
    const isSilent = isFirst;
    isFirst = false;
    const answer = await super.ask(command);
    return isSilent ? new Promise(() => {}) : answer;
  }
}
