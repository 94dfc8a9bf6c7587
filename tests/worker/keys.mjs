// Key pairs that tokens are signed with, and a server of key sets.
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after } from "node:test";

const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** A key pair named `kid`: its public half as a JWK and as PEM, and how it signs tokens. */
export function keyPair(kid, alg, { jwk = {}, ...options } = {}) {
  const [type, wanted] = alg.startsWith("ES") ? ["ec", { namedCurve: "P-256" }] : ["rsa", { modulusLength: 2048 }];
  const { publicKey, privateKey } = generateKeyPairSync(type, { ...wanted, ...options });
  return {
    jwk: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig", ...jwk },
    pem: publicKey.export({ format: "pem", type: "spki" }),

    /** A token; `header` is added to the right one. */
    token(claims, header = {}) {
      const signed = `${encode({ alg, kid, typ: "JWT", ...header })}.${encode(claims)}`;
      const signature = sign("sha256", signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

/** The text of a key set. */
export const keySet = (...pairs) => JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });

/** A server of a key set that counts what is fetched, and ends with the tests of its file. */
export async function keyServer(text) {
  const keys = {
    /** How often the set was asked for. */
    fetches: 0,
    /** How many of those connections are closed. */
    closed: 0,
    /** Answers a request for the set. */
    answer: (_request, response) => response.end(text),

    /** Holds answers back from now on; gives a function that lets them go, with this text. */
    hold() {
      const { promise, resolve } = Promise.withResolvers();
      keys.answer = (_request, response) => promise.then((later) => response.end(later));
      return resolve;
    },
  };
  const server = createServer((request, response) => {
    keys.fetches += 1;
    response.on("close", () => (keys.closed += 1));
    keys.answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  keys.url = `http://127.0.0.1:${server.address().port}/jwks.json`;
  return keys;
}
