// /pm-count.js: counting alone.
import { watchCopies } from "./copying.mjs";
import { copy, view } from "./counting.mjs";
import { startSending, track } from "./sending.mjs";
import { watchViews } from "./viewing.mjs";

if (!window.pm?.view) {
  window.pm = { view, copy, track };
  startSending(document.currentScript?.src || location);
  watchViews(view);
  watchCopies(copy);
}
