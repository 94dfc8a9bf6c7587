// Tokens that the worker accepts: signed with its secret (HS256), for one user.
import { createHmac } from "node:crypto";

const LIFETIME_S = 24 * 60 * 60;

/** A token for the user `sub`, valid for a day from now. */
export function userToken(sub, secret) {
  const iat = Math.floor(Date.now() / 1000);
  return sign({ role: "authenticated", aud: "authenticated", sub, iat, exp: iat + LIFETIME_S }, secret);
}

function sign(claims, secret) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
