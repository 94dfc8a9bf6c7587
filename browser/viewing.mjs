// Views: half of an element with `data-prompt-id`, or half a screen of it, was visible for a second. A prompt is counted
// once in a page view, which ends when the page goes to another address without loading.
//
// Elements, their ids and the address are looked at a few times a second. That costs less than to hear of every change
// of a lively page, and leaves the page's `history` as it is.
import { quietly } from "./quietly.mjs";

/** Calls `count` with the id of each prompt that is viewed. */
export const watchViews = quietly((count) => {
  const LOOK_MS = 250;
  const VISIBLE_LOOKS = 4;
  let counted;
  let page;

  // How many looks found an element visible stands in the element itself, as `pmLooks`; it is no number for the others.
  const observer = new IntersectionObserver(
    (entries) =>
      entries.map(({ target, intersectionRatio, intersectionRect }) => {
        target.pmLooks = intersectionRatio >= 0.5 || intersectionRect.height >= innerHeight / 2 ? 0 : NaN;
      }),
    // Each at most twice the one before, so that elements of up to 25 screens are noticed.
    { threshold: [0.04, 0.07, 0.13, 0.25, 0.5] },
  );
  setInterval(() => {
    if (document.hidden) return;
    if (page != (page = location.href.split("#")[0])) counted = {};
    document.querySelectorAll("[data-prompt-id]").forEach((element) => {
      const id = element.dataset.promptId;
      observer.observe(element);
      if (element.pmView != (element.pmView = page + id)) element.pmLooks *= 0;
      if (element.pmLooks++ == VISIBLE_LOOKS && !counted[id]) count((counted[id] = id));
    });
  }, LOOK_MS);
});
