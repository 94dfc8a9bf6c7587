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

/** Ends the shards of a prompt's counter that are awake; gives how many. */
async function evictShards({ prompt }, env) {
  const evicted = Array.from({ length: 32 }, async (_, shard) => {
    try {
      await evict({ binding: "SHARDS", name: `${prompt}/${shard}` }, env);
      return 1;
    } catch (error) {
      if (!/not currently running/.test(error.message)) throw error;
      return 0;
    }
  });
  return (await Promise.all(evicted)).reduce((sum, number) => sum + number);
}

/** Sends an object a command by a request, as isolates of the build before do; gives the status and the bytes of the reply. */
async function request({ binding, name, command }, env) {
  const init = { method: "POST", body: new Uint8Array(command) };
  const answer = await env[binding].get(env[binding].idFromName(name)).fetch("https://object/", init);
  return { status: answer.status, reply: [...new Uint8Array(await answer.arrayBuffer())] };
}

/** Sends an object a command, as isolates do; gives nothing, or throws what it failed with. */
async function ask({ binding, name, command }, env) {
  await env[binding].get(env[binding].idFromName(name)).ask(new Uint8Array(command));
  return null;
}

const COMMANDS = { "/run": run, "/evict": evict, "/evictShards": evictShards, "/request": request, "/ask": ask };

export default {
  async fetch(request, env) {
    try {
      return Response.json(await COMMANDS[new URL(request.url).pathname](await request.json(), env));
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
