// A request of the matrix as supabase-js sends it.

/** The method, path, headers and body of a request. */
export function http({ method, table, where = [], order, limit, embed, rows, set, resolution, on, minimal }) {
  const isRead = method === "GET" || method === "HEAD";
  const query = new URLSearchParams();
  if (embed) query.append("select", `*,${selected(embed)}`);
  for (const [column, value] of [...where.map(filter), ...(embed ? filters(embed) : [])]) query.append(column, value);
  if (order) query.append("order", order.map((part) => part.join(".")).join(","));
  if (limit) query.append("limit", limit);
  if (on) query.append("on_conflict", on.join(","));
  const prefer = [isRead ? "count=exact" : `return=${minimal ? "minimal" : "representation"}`, resolution && `resolution=${resolution}`];
  return {
    method,
    path: `/rest/v1/${table}?${query}`,
    headers: { prefer: prefer.filter(Boolean).join(",") },
    body: rows?.length === 1 ? rows[0] : (rows ?? set),
  };
}

const selected = ({ table, inner, embed }) => `${table}${inner ? "!inner" : ""}(*${embed ? `,${selected(embed)}` : ""})`;
const filters = ({ table, where = [] }) => where.map(filter).map(([column, value]) => [`${table}.${column}`, value]);

function filter([column, operator, value]) {
  if (column === "or") return ["or", `(${operator.map(([column, operator, value]) => `${column}.${operator}.${quoted(value)}`).join(",")})`];
  if (operator === "in") return [column, `in.(${value.map(quoted).join(",")})`];
  return [column, `${operator}.${value}`];
}

const quoted = (value) => `"${String(value).replaceAll(/["\\]/g, "\\$&")}"`;
