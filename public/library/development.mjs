// The keys of .dev.vars.example, which are public: with them a local instance needs no signing in. Any other instance
// has keys of its own and refuses these.

export const SERVICE_KEY = "promptmeter-dev-service-key";
export const JWT_SECRET = "promptmeter-dev-jwt-secret-not-for-production";
const LIFETIME_S = 24 * 60 * 60;

/** A token for this user, valid for a day; null where the browser signs nothing (only https and localhost do). */
export async function signed(sub) {
  if (!globalThis.crypto?.subtle) return null;
  const iat = Math.floor(Date.now() / 1000);
  const claims = { role: "authenticated", aud: "authenticated", sub, iat, exp: iat + LIFETIME_S };
  const text = `${encoded(JSON.stringify({ alg: "HS256", typ: "JWT" }))}.${encoded(JSON.stringify(claims))}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = (of) => new TextEncoder().encode(of);
  const key = await crypto.subtle.importKey("raw", bytes(JWT_SECRET), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, bytes(text));
  return `${text}.${encoded(String.fromCharCode(...new Uint8Array(signature)))}`;
}

const encoded = (bytes) => btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
