// Addresses within the page: #/, #/?q=…&category=…, #/mine, #/prompts/{slug or id}, #/compare/{one}/{other}.

/** What an address shows. */
export function read(hash) {
  const [, path, query = ""] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash);
  const segments = decoded(path.split("/").filter((segment) => segment !== ""));
  if (!segments) return { page: "unknown" };
  const [first, ...names] = segments;
  if (first === undefined) {
    const given = new URLSearchParams(query);
    return { page: "list", q: (given.get("q") ?? "").trim(), category: given.get("category") ?? "" };
  }
  if (first === "mine" && names.length === 0) return { page: "mine" };
  if (first === "prompts" && names.length === 1) return { page: "prompt", name: names[0] };
  if (first === "compare" && names.length === 2) return { page: "comparison", names };
  return { page: "unknown" };
}

function decoded(segments) {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** The address of a list. */
export function listAddress({ q = "", category = "" } = {}) {
  const query = new URLSearchParams({ ...(q && { q }), ...(category && { category }) });
  return query.size ? `#/?${query}` : "#/";
}

/** The address of a prompt. */
export const promptAddress = ({ id, slug }) => `#/prompts/${encodeURIComponent(slug ?? id)}`;

/** The address of a comparison. */
export const comparisonAddress = (one, other) =>
  `#/compare/${encodeURIComponent(one.slug ?? one.id)}/${encodeURIComponent(other.slug ?? other.id)}`;
