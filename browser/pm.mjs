// /pm.mjs: counting and experiments, as a module. On a server it does nothing.
import { watchCopies } from "./copying.mjs";
import { copy, view } from "./counting.mjs";
import { convert, track, variant } from "./experiments.mjs";
import { quietly } from "./quietly.mjs";
import { startSending } from "./sending.mjs";
import { watchViews } from "./viewing.mjs";

export { convert, copy, track, variant, view };

startSending(import.meta.url);
// The script may be in the page, too.
if (!globalThis.pm?.view) {
  globalThis.pm = { view, copy, variant, convert, track };
  watchViews(view);
  quietly(watchCopies)(copy);
}
