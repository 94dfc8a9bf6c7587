// A view as an UPSERT in D1, the new value told.
const TABLE = "create table if not exists views (prompt_id text primary key, views integer not null) strict";
const VIEW =
  "insert into views (prompt_id, views) values (?1, 1) on conflict do update set views = views + 1 returning views";
const READ = "select coalesce(sum(views), 0) as views from views where prompt_id = ?1";

export default {
  async fetch(request, env) {
    if (request.method === "PUT") {
      await env.DB.prepare(TABLE).run();
      return new Response("made");
    }
    const prompt = new URL(request.url).pathname.slice(1);
    const statement = env.DB.prepare(request.method === "POST" ? VIEW : READ);
    return new Response(String(await statement.bind(prompt).first("views")));
  },
};
