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
  const wish = isRead ? "count=exact" : `return=${minimal ? "minimal" : "representation"}`;
  return {
    method,
    path: `/rest/v1/${table}?${query}`,
    headers: { prefer: resolution ? `${wish},resolution=${resolution}` : wish },
    body: rows?.length === 1 ? rows[0] : (rows ?? set),
  };
}

const selected = ({ table, inner, embed }) => `${table}${inner ? "!inner" : ""}(*${embed ? `,${selected(embed)}` : ""})`;
const filters = ({ table, where = [] }) => where.map(filter).map(([column, value]) => [`${table}.${column}`, value]);

function filter([column, operator, value]) {
  const within = ([column, operator, value]) => `${column}.${operator}.${quoted(value)}`;
  if (column === "or") return ["or", `(${operator.map(within)})`];
  if (operator === "in") return [column, `in.(${value.map(quoted)})`];
  return [column, `${operator}.${value}`];
}

const quoted = (value) => `"${String(value).replaceAll(/["\\]/g, "\\$&")}"`;
