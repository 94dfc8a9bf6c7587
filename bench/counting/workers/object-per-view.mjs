// A view as Cloudflare's example of a counter has it: one call to an object, one row written, the new value told.
import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("create table if not exists counter (id integer primary key, views integer not null) strict");
  }

  increment() {
    const statement = "insert into counter (id, views) values (1, 1) on conflict do update set views = views + 1 returning views";
    return this.sql.exec(statement).one().views;
  }

  read() {
    return this.sql.exec("select coalesce(sum(views), 0) as views from counter").one().views;
  }
}

export default {
  async fetch(request, env) {
    const prompt = new URL(request.url).pathname.slice(1);
    const counter = env.COUNTERS.get(env.COUNTERS.idFromName(prompt));
    const views = await (request.method === "POST" ? counter.increment() : counter.read());
    return new Response(String(views));
  },
};
