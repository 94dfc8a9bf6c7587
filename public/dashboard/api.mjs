// The API, asked with the service's key.

/** An answer that is not what was asked for, and what it was. */
class Refusal extends Error {
  constructor(status, detail, answer) {
    super(detail);
    this.status = status;
    this.answer = answer;
  }
}

/** A path, in which each value is one segment. */
export const path = (texts, ...values) => String.raw({ raw: texts }, ...values.map(encodeURIComponent));

/** A path with parameters; those without a value are left out. */
export function withQuery(address, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${address}?${String(new URLSearchParams(given)).replaceAll("%2C", ",")}` : address;
}

/** Asks with this key (`ask` gives the `answer`, and as `range` which rows of how many it is), until `signal` says that nobody waits any more. */
export function connection(key, signal) {
  async function ask(address, { method = "GET", body, headers = {} } = {}) {
    const response = await fetch(address, {
      method,
      signal,
      cache: "no-store",
      headers: { Authorization: `Bearer ${key}`, ...(body && { "Content-Type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.includes("json");
    const answer = isJson && text ? JSON.parse(text) : text;
    if (!response.ok)
      throw new Refusal(response.status, answer.detail ?? answer.message ?? `The answer was ${response.status}.`, answer);
    return { answer, range: response.headers.get("Content-Range") };
  }

  const get = async (address) => (await ask(address)).answer;
  return {
    ask,
    get,
    post: async (address, body) => (await ask(address, { method: "POST", body })).answer,

    /** How many rows a query of the data dialect has. */
    async count(address) {
      const { range } = await ask(address, { headers: { Prefer: "count=exact" } });
      return Number(range.split("/")[1]);
    },

    /** The pages of an answer with `next_cursor`, at most `most` of them. */
    async *pages(address, parameters, most = Infinity) {
      let cursor;
      for (let read = 0; read < most && cursor !== null; read += 1) {
        const page = await get(withQuery(address, { ...parameters, cursor }));
        cursor = page.next_cursor;
        yield page;
      }
    },
  };
}
