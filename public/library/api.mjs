// Requests to the worker, and what went wrong with them in words for people.

const PATIENCE_MS = 20_000;

/** What went wrong: `message` is a sentence for people. */
export class Failure extends Error {
  constructor(message, { status = 0, retryAfter_s = null } = {}) {
    super(message);
    Object.assign(this, { status, retryAfter_s });
  }
}

/**
 * Asks the worker of this page. Gives `body`, read as JSON (null of an answer without one), and the `headers`. Every
 * answer but 2xx and 304 is thrown as a `Failure`.
 */
export async function ask(path, { method = "GET", credential, body, type = "application/json", headers = {} } = {}) {
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(body !== undefined && { "Content-Type": type }),
        ...(credential && { Authorization: `Bearer ${credential}` }),
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new Failure(unreachable(error));
  }
  const answer = parsed(text);
  if (!response.ok && response.status !== 304) throw refusal(response, answer);
  if (text && answer === null) throw new Failure("What the library answered cannot be read.");
  return { status: response.status, headers: response.headers, body: answer };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable({ name }) {
  if (!navigator.onLine) return "You are offline. What you see may be old; go on when you are online again.";
  if (name === "TimeoutError") return "The library did not answer in time. Try again in a moment.";
  return "The library does not answer. Is it running, and are you connected?";
}

function refusal({ status, headers }, answer) {
  const after = Number(headers.get("Retry-After"));
  const retryAfter_s = Number.isFinite(after) && after > 0 ? after : null;
  const said = answer?.detail ?? answer?.message;
  return new Failure(words(status, retryAfter_s, said), { status, retryAfter_s });
}

function words(status, retryAfter_s, said) {
  const when = retryAfter_s > 1 ? `in ${retryAfter_s} seconds` : "in a moment";
  if (status === 401) return "This key or token is not accepted here.";
  if (status === 404) return "There is no such prompt, or it is not public.";
  if (status === 429) return `Too many requests came from your address. Try again ${when}.`;
  if (status === 503) return `The library cannot reach its storage now. Try again ${when}.`;
  if (status >= 500) return `Something went wrong in the library (status ${status}). Try again in a moment.`;
  return said ? `The library refused this: ${said}` : `The library refused this (status ${status}).`;
}
