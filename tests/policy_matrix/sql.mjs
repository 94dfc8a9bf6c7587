// A request of the matrix as the SQL that PostgREST sends for it. The statement gives one JSON object: the `rows`, and
// of a read the `count` of all that its filters leave.
import { POLICY } from "./policies.mjs";

const name = (identifier) => `"${identifier}"`;
const literal = (value) => `'${String(value).replaceAll("'", "''")}'`;
const list = (parts) => parts.join(", ");

/** The statement of a request. */
export function sql(request) {
  switch (request.method) {
    case "POST":
      return written(request, insert(request));
    case "PATCH":
      return written(request, update(request));
    case "DELETE":
      return written(request, `delete from ${name(request.table)}${filtered(request)}`);
    default:
      return read(request);
  }
}

function read({ method, limit, order, ...request }) {
  const all = query(request, request.table);
  const sorted = list(order.map(([column, direction]) => `${name(request.table)}.${name(column)} ${direction}`));
  const rows = `select coalesce(json_agg(r), '[]') from (${all} order by ${sorted}${limit ? ` limit ${limit}` : ""}) r`;
  const count = `select count(*) from (${all}) c`;
  return `select json_build_object('rows', (${method === "HEAD" ? "select null" : rows}), 'count', (${count}))`;
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
  const all = `select json_agg(${joint}) as ${joint} from (${rows}) as ${joint}`;
  const value = isOne ? `row_to_json(${joint}.*)` : `coalesce(${joint}.${joint}, '[]')`;
  const join = `${embed.inner ? "inner" : "left"} join lateral (${isOne ? rows : all}) as ${joint}`;
  const met = embed.inner && !isOne ? `${joint}.${joint} is not null` : "true";
  return `select ${name(alias)}.*, ${value} as ${name(embed.table)} ${from} ${join} on ${met}${only}`;
}

function relation(table, alias, other, inside) {
  const column = referenceTo(table, other) ?? referenceTo(other, table);
  const isParent = referenceTo(table, other) !== undefined;
  const [from, to] = isParent ? [column, "id"] : ["id", column];
  return {
    on: `${name(inside)}.${name(to)} = ${name(alias)}.${name(from)}`,
    isOne: isParent || POLICY[other].key.join() === column,
  };
}

const referenceTo = (table, other) => Object.entries(POLICY[table].references).find(([, to]) => to === other)?.[0];

function insert({ table, rows, ...request }) {
  const columns = list(Object.keys(rows[0]).map(name));
  return `insert into ${name(table)} (${columns}) select ${columns} ${body(table, rows)}${conflict({ table, rows, ...request })}`;
}

const update = ({ table, where, set }) =>
  `update ${name(table)} set ${assignments(set, "body")} ${body(table, [set])}${filtered({ table, where })}`;

function written({ table, embed, minimal }, statement) {
  if (minimal) return `with source as (${statement} returning 1) select json_build_object()`;
  const rows = query({ table, embed }, table, undefined, "source");
  const source = `with source as (${statement} returning ${name(table)}.*)`;
  return `${source} select json_build_object('rows', coalesce(json_agg(r), '[]')) from (${rows}) r`;
}

const assignments = (row, from) => list(Object.keys(row).map((column) => `${name(column)} = ${from}.${name(column)}`));
const body = (table, rows) =>
  `from json_populate_recordset(null::${name(table)}, ${literal(JSON.stringify(rows))}) as body`;

function conflict({ table, rows, resolution, on = POLICY[table].key }) {
  if (!resolution) return "";
  const action = resolution === "ignore-duplicates" ? "nothing" : `update set ${assignments(rows[0], "excluded")}`;
  return ` on conflict (${list(on.map(name))}) do ${action}`;
}

const filtered = ({ table, where }) => ` where ${where.map((filter) => condition(table, filter)).join(" and ")}`;

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
