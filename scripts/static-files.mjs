// The files of public/ and what they are answered with, for `make serve`: workerd alone has no static files.
// Deployed and under `make dev` wrangler takes the same folder and the same `_headers`.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join, relative } from "node:path";

const MEDIA_TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/vnd.microsoft.icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};
const UNNAMED = "_headers";

/**
 * The files below `folder`: where each is, the path it answers, its headers as pairs, and the paths from which it is
 * redirected to.
 */
export function staticFiles(folder) {
  const rules = headerRules(readFileSync(join(folder, UNNAMED), "utf8"));
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = found.map(({ parentPath, name }) => join(parentPath, name));
  return files
    .filter((file) => relative(folder, file) !== UNNAMED)
    .map((file) => {
      const name = relative(folder, file);
      const path = pathOf(name);
      return { file, path, headers: headersOf(file, path, rules), aliases: name.endsWith(".html") ? aliasesOf(path) : [] };
    });
}

/** A page is at its name without `.html`, that of a folder at the folder. */
function pathOf(name) {
  return `/${name.replace(/(^|\/)index\.html$/, "$1").replace(/\.html$/, "")}`;
}

/** Under what else people look for a page: `auto-trailing-slash`, as Cloudflare calls it. */
function aliasesOf(path) {
  return path.endsWith("/")
    ? [`${path}index`, `${path}index.html`]
    : [`${path}/`, `${path}.html`, `${path}/index`, `${path}/index.html`];
}

function headersOf(file, path, rules) {
  const headers = new Headers({
    "Content-Type": MEDIA_TYPES[extname(file)] ?? "application/octet-stream",
    "Cache-Control": "public, max-age=0, must-revalidate",
    ETag: `"${createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 32)}"`,
  });
  const given = new Set();
  for (const rule of rules.filter(({ pattern }) => pattern.test(path))) {
    for (const [name, value] of rule.headers) {
      // What several rules say stands together; what none says is as above.
      if (given.has(name)) headers.append(name, value);
      else headers.set(name, value);
      given.add(name);
    }
  }
  return [...headers];
}

/** The rules of a `_headers` file: a path, in which `*` stands for anything, and indented below it its headers. */
export function headerRules(text) {
  const rules = [];
  for (const line of text.split("\n")) {
    if (!line.trim() || line.trim().startsWith("#")) continue;
    if (line.startsWith("/")) {
      const parts = line.trim().split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
      rules.push({ pattern: new RegExp(`^${parts.join(".*")}$`), headers: [] });
    } else {
      const [, name, value] = /^\s+([\w-]+):\s*(.*?)\s*$/.exec(line) ?? [];
      if (!name || !rules.length) throw new Error(`_headers has a line that make serve does not know: ${line.trim()}`);
      rules.at(-1).headers.push([name.toLowerCase(), value]);
    }
  }
  return rules;
}
