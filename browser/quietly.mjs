// Tracking never breaks the page.

/** `work`, at once, as a promise that is never rejected. */
export const quietly = (work) => async (...given) => {
  try {
    return await work(...given);
  } catch {}
};
