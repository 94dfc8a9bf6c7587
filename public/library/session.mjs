// Who the reader is. Reading needs nobody; likes, forks and comparisons are somebody's.
//
// On an instance with the development keys the page signs tokens itself, for a random user whom this browser remembers.
// Elsewhere it asks for a token, which the tab keeps until it is closed.
import { ask } from "./api.mjs";
import { signed } from "./development.mjs";
import { askFor } from "./question.mjs";
import { browser, newId, tab } from "./storage.mjs";

/** The token that this page signed, as a promise, or null before and where the instance refuses it. */
let own = null;

/** A token, if the reader has been somebody before; nobody is asked for one. */
export async function credential() {
  return tab.get("token") ?? (browser.get("user") ? signedHere() : null);
}

/** The same, for a reader who becomes somebody now, if that takes no question. */
export async function credentialAtHand() {
  return (await credential()) ?? signedHere();
}

/** Asks the worker as the reader; as nobody, if it takes the token no more. */
export async function askAsReader(path, options = {}) {
  const token = await credential();
  try {
    return await ask(path, { ...options, credential: token });
  } catch (failure) {
    if (failure.status !== 401 || !token) throw failure;
    forget();
    return ask(path, options);
  }
}

/** Does what needs a user, with a token; asks for one if there is none. Gives undefined if the reader has none. */
export async function asUser(purpose, work) {
  const token = await credentialAtHand();
  if (token) {
    try {
      return await work(token);
    } catch (failure) {
      if (failure.status !== 401) throw failure;
      forget();
    }
  }
  return askFor({
    title: "A token, please",
    why: `${purpose} Paste a token of yours, as the instance's sign-in gives it. It stays in this tab until you close it.`,
    label: "Token",
    attempt: async (pasted) => {
      const result = await work(pasted);
      tab.set("token", pasted);
      return result;
    },
  });
}

/** The user whose token this is; null of what is nobody's, like a key. Only the worker can tell whether it is right. */
export function userOf(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(claims)).sub ?? null;
  } catch {
    return null;
  }
}

function forget() {
  tab.remove("token");
  own = null;
}

async function signedHere() {
  own ??= trySigning();
  try {
    return await own;
  } catch (failure) {
    own = null;
    throw failure;
  }
}

/** A token that the instance takes; null if it takes none of this page's. */
async function trySigning() {
  const user = browser.get("user") ?? newId();
  try {
    const token = await signed(user);
    if (!token) return null;
    await ask("/rest/v1/users?select=id&limit=1", { credential: token });
    browser.set("user", user);
    return token;
  } catch (failure) {
    if (failure.status === 401) return null;
    throw failure;
  }
}
