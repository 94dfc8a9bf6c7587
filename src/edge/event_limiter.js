// Cloudflare's rate limiting: it counts one a call.

/** Whether so many events of this key are let in; true where nothing is bound. */
export async function allows(limiter, key, events) {
  if (!limiter) return true;
  const outcomes = await Promise.all(Array.from({ length: events }, () => limiter.limit({ key })));
  return outcomes.every(({ success }) => success);
}
