// Views and copies, as events.
import { track } from "./sending.mjs";

/** Counts a view of a prompt. */
export const view = (prompt_id) => track({ type: "view", prompt_id });

/** Counts a copy of a prompt. */
export const copy = (prompt_id) => track({ type: "copy", prompt_id });
