// A request of the matrix as the SQL that PostgREST sends for it. The statement gives one JSON object: the `rows`, and
// of a read the `count` of all that its filters leave.
import { POLICY } from "./policies.mjs";

const name = (identifier) => `"${identifier}"`;
const literal = (value) => `'${String(value).replaceAll("'", "''")}'`;
const list = (parts) => parts.join(", ");

/** The statement of a request. */
export function sql(request) {
  const { method, table, where, set, rows } = request;
  switch (method) {
    case "GET":
    case "HEAD":
      return read(request);
    case "POST":
      return written(request, `insert into ${name(table)} (${columnsOf(rows[0])}) select ${columnsOf(rows[0])} ${body(table, rows)}${conflict(request)}`);
    case "PATCH":
      return written(request, `update ${name(table)} set ${assignments(set, "body")} ${body(table, [set])}${filtered(table, where)}`);
    case "DELETE":
      return written(request, `delete from ${name(table)}${filtered(table, where)}`);
  }
}

function read({ method, limit, order, ...request }) {
  const all = query(request, request.table);
  const sorted = `order by ${list(order.map(([column, direction]) => `${name(request.table)}.${name(column)} ${direction}`))}`;
  const rows = `select coalesce(json_agg(r), '[]') from (${all} ${sorted}${limit ? ` limit ${limit}` : ""}) r`;
  return `select json_build_object('rows', (${method === "HEAD" ? "select null" : rows}), 'count', (select count(*) from (${all}) c))`;
}

// An embedded table is a lateral join, so its rows are those that the caller may see.
function query({ table, where = [], embed }, alias, joined, source = table) {
  const conditions = [...(joined ? [joined] : []), ...where.map((filter) => condition(alias, filter))];
  const from = `from ${name(source)} as ${name(alias)}`;
  const only = conditions.length ? ` where ${conditions.join(" and ")}` : "";
  if (!embed) return `select ${name(alias)}.* ${from}${only}`;

  const [inside, joint] = [`${embed.table}_in_${alias}`, name(`joint_${embed.table}_in_${alias}`)];
  const { on, isOne } = relation(table, alias, embed.table, inside);
  const rows = query(embed, inside, on);
  const kind = embed.inner ? "inner" : "left";
  return isOne
    ? `select ${name(alias)}.*, row_to_json(${joint}.*) as ${name(embed.table)} ${from} ${kind} join lateral (${rows}) as ${joint} on true${only}`
    : `select ${name(alias)}.*, coalesce(${joint}.${joint}, '[]') as ${name(embed.table)} ${from} ` +
        `${kind} join lateral (select json_agg(${joint}) as ${joint} from (${rows}) as ${joint}) as ${joint} ` +
        `on ${embed.inner ? `${joint}.${joint} is not null` : "true"}${only}`;
}

function relation(table, alias, other, inside) {
  const [[column, isOne]] = [
    ...Object.entries(POLICY[table].references).filter(([, to]) => to === other).map(([column]) => [column, true]),
    ...Object.entries(POLICY[other].references).filter(([, to]) => to === table).map(([column]) => [column, POLICY[other].key.join() === column]),
  ];
  const [from, to] = column in POLICY[table].references && POLICY[table].references[column] === other ? [column, "id"] : ["id", column];
  return { on: `${name(inside)}.${name(to)} = ${name(alias)}.${name(from)}`, isOne };
}

function written({ table, embed, minimal }, statement) {
  if (minimal) return `with source as (${statement} returning 1) select json_build_object()`;
  const rows = query({ table, embed }, table, undefined, "source");
  return `with source as (${statement} returning ${name(table)}.*) select json_build_object('rows', coalesce(json_agg(r), '[]')) from (${rows}) r`;
}

const columnsOf = (row) => list(Object.keys(row).map(name));
const assignments = (row, from) => list(Object.keys(row).map((column) => `${name(column)} = ${from}.${name(column)}`));
const body = (table, rows) => `from json_populate_recordset(null::${name(table)}, ${literal(JSON.stringify(rows))}) as body`;

function conflict({ table, rows, resolution, on = POLICY[table].key }) {
  if (!resolution) return "";
  const action = resolution === "ignore-duplicates" ? "nothing" : `update set ${assignments(rows[0], "excluded")}`;
  return ` on conflict (${list(on.map(name))}) do ${action}`;
}

const filtered = (table, where) => ` where ${where.map((filter) => condition(table, filter)).join(" and ")}`;

function condition(table, [column, operator, value]) {
  if (column === "or") return `(${operator.map((filter) => condition(table, filter)).join(" or ")})`;
  const operand = `${name(table)}.${name(column)}`;
  switch (operator) {
    case "eq":
      return `${operand} = ${literal(value)}`;
    case "neq":
      return `${operand} <> ${literal(value)}`;
    case "in":
      return `${operand} in (${list(value.map(literal))})`;
    case "ilike":
      return `${operand} ilike ${literal(value.replaceAll("*", "%"))}`;
    case "plfts":
      return `to_tsvector(${operand}) @@ plainto_tsquery(${literal(value)})`;
    case "not.is":
      return `${operand} is not ${value}`;
  }
}
