// /pm.js: counting and experiments.
import { watchCopies } from "./copying.mjs";
import { copy, view } from "./counting.mjs";
import { convert, track, variant } from "./experiments.mjs";
import { startSending } from "./sending.mjs";
import { watchViews } from "./viewing.mjs";

if (!window.pm?.view) {
  window.pm = { view, copy, variant, convert, track };
  startSending(document.currentScript?.src || location);
  watchViews(view);
  watchCopies(copy);
}
