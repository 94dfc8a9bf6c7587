// Stands in front of the worker under `make serve` and answers for the files of public/, as they were when it started.
// What is no file goes to the worker. `FILES` has the headers by path, a binding by each path the bytes, and `REDIRECTS`
// where a page is that is looked for with a slash or an ending.
export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const location = Object.hasOwn(env.REDIRECTS, pathname) && env.REDIRECTS[pathname];
    const headers = Object.hasOwn(env.FILES, pathname) && new Headers(env.FILES[pathname]);
    if (!headers && !location) return env.MAIN.fetch(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405, headers: { Allow: "GET, HEAD" } });
    }
    if (location) return new Response(null, { status: 307, headers: { Location: `${location}${search}` } });

    const known = (request.headers.get("If-None-Match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
    if (known.includes(headers.get("ETag"))) return new Response(null, { status: 304, headers });
    const body = env[pathname];
    headers.set("Content-Length", body.byteLength);
    return new Response(request.method === "HEAD" ? null : body, { headers });
  },
};
