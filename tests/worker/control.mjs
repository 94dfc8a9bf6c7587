// Runs beside the worker under test, on its database and its objects.
import unsafe from "workerd:unsafe";

/** Runs statements, `[{ sql, parameters }]`, in one transaction, and gives the rows of each. */
async function run(statements, { DB }) {
  const prepared = statements.map(({ sql, parameters }) => DB.prepare(sql).bind(...parameters));
  const told = prepared.length === 1 ? [await prepared[0].all()] : await DB.batch(prepared);
  return told.map(({ results }) => results);
}

/** Ends an object, which begins anew when it is called. */
async function evict({ binding, name }, env) {
  await unsafe.evict(env[binding].get(env[binding].idFromName(name)));
  return null;
}

const COMMANDS = { "/run": run, "/evict": evict };

export default {
  async fetch(request, env) {
    try {
      return Response.json(await COMMANDS[new URL(request.url).pathname](await request.json(), env));
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
