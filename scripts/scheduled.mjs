// Runs beside the worker under `make serve` and calls its scheduled handler at will:
// `/__scheduled?cron=*/5+*+*+*+*`, as `wrangler dev --test-scheduled` has it.
// `&time=` takes the milliseconds since 1970 to say instead of now.
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/__scheduled") return new Response("Only /__scheduled is here\n", { status: 404 });

    const scheduledTime = new Date(Number(searchParams.get("time") ?? Date.now()));
    const { outcome } = await env.MAIN.scheduled({ scheduledTime, cron: searchParams.get("cron") ?? "" });
    if (outcome !== "ok") return new Response(`The scheduled handler ended with ${outcome}\n`, { status: 500 });
    return new Response("Ran scheduled event");
  },
};
