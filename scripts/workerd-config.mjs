// workerd's configuration of the worker that wrangler.toml describes.
//
// Its storage lies where wrangler keeps it below the same state folder, so migrations that
// wrangler applied are there, and an instance may be continued by `make dev`.
// `/workerd/d1.js` and `/workerd/cron.js` are part of workerd.
import { readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

const SCHEDULED = join(import.meta.dirname, "scheduled.mjs");
const ASSETS = join(import.meta.dirname, "assets.mjs");

/**
 * @param worker what wrangler reads from wrangler.toml
 * @param variables name → text of .dev.vars
 * @param state absolute path of the state folder
 * @param port of the worker; the next one takes `/__scheduled`. With 0 both are any that are free
 * @param files static files that are answered in front of the worker, if there shall be any
 * @param control script of a worker that has the worker's database and objects, too, and may end them; its socket is `control`
 */
export function workerdConfig(worker, variables, state, { port = 0, files = [], control } = {}) {
  const crons = JSON.stringify({ main: worker.triggers.crons ?? [] });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "${files.length ? "assets" : "main"}"),
    (name = "scheduled", address = "127.0.0.1:${port && port + 1}", http = (), service = "scheduled"),
    ${control ? `(name = "control", address = "127.0.0.1:0", http = (), service = "control"),` : ""}
  ],
  services = [
    (name = "main", worker = (
      modules = [${modules(worker.main)}],
      compatibilityDate = ${text(worker.compatibility_date)},
      compatibilityFlags = [${worker.compatibility_flags.map(text)}],
      bindings = [${bindings(worker, variables)}],
      durableObjectNamespaces = [${namespaces(worker)}],
      durableObjectStorage = (localDisk = "do"),
    )),
    (name = "d1", worker = (
      modules = [(name = "d1.js", bundled = "/workerd/d1.js")],
      compatibilityDate = ${text(worker.compatibility_date)},
      bindings = [(name = "DATABASE", durableObjectNamespace = "D1Database")],
      durableObjectNamespaces = [${namespace("D1Database", "miniflare-D1DatabaseObject")}],
      durableObjectStorage = (localDisk = "d1-files"),
    )),
    (name = "cron", worker = (
      modules = [(name = "cron.js", bundled = "/workerd/cron.js")],
      compatibilityDate = ${text(worker.compatibility_date)},
      compatibilityFlags = ["service_binding_extra_handlers"],
      bindings = [
        (name = "SCHEDULE", durableObjectNamespace = "Schedule"),
        (name = "CRONS", json = ${text(crons)}),
        (name = "main", service = "main"),
      ],
      durableObjectNamespaces = [${namespace("Schedule", `${worker.name}-cron`)}],
      durableObjectStorage = (localDisk = "cron-files"),
    )),
    (name = "scheduled", worker = (
      modules = [(name = "scheduled.mjs", esModule = embed ${text(SCHEDULED)})],
      compatibilityDate = ${text(worker.compatibility_date)},
      compatibilityFlags = ["service_binding_extra_handlers"],
      bindings = [(name = "MAIN", service = "main")],
    )),
    ${files.length ? assets(worker, files) : ""}
    ${control ? controls(worker, control) : ""}
    ${disk("do", join(state, "v3/do"))},
    ${disk("d1-files", join(state, "v3/d1"))},
    ${disk("cron-files", join(state, "v3/cron"))},
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
);
`;
}

function assets(worker, files) {
  const headers = Object.fromEntries(files.map(({ path, headers }) => [path, headers]));
  const redirects = Object.fromEntries(files.flatMap(({ path, aliases }) => aliases.map((alias) => [alias, path])));
  const bytes = files.map(({ path, file }) => `(name = ${text(path)}, data = embed ${text(file)})`);
  return `(name = "assets", worker = (
      modules = [(name = "assets.mjs", esModule = embed ${text(ASSETS)})],
      compatibilityDate = ${text(worker.compatibility_date)},
      bindings = [
        (name = "MAIN", service = "main"),
        (name = "FILES", json = ${text(JSON.stringify(headers))}),
        (name = "REDIRECTS", json = ${text(JSON.stringify(redirects))}),
        ${bytes.join(",\n        ")},
      ],
    )),`;
}

function controls(worker, script) {
  const objects = worker.durable_objects.bindings.map(
    ({ name, class_name }) => `(name = ${text(name)}, durableObjectNamespace = (className = ${text(class_name)}, serviceName = "main"))`,
  );
  return `(name = "control", worker = (
      modules = [(name = ${text(basename(script))}, esModule = embed ${text(script)})],
      compatibilityDate = ${text(worker.compatibility_date)},
      compatibilityFlags = ["unsafe_module"],
      bindings = [${[...worker.d1_databases.map(database), ...objects]}],
    )),`;
}

/** What the modules beside a worker's main one are, by how their files' names end. */
const MODULE_KINDS = { ".js": "esModule", ".wasm": "wasm" };

/** The files of the worker whose main file this is: workerd takes the first one for that. */
function modules(main) {
  const folder = dirname(main);
  const module = (file, kind) => `(name = ${text(file)}, ${kind} = embed ${text(join(folder, file))})`;
  const others = readdirSync(folder).filter((file) => file !== basename(main) && extname(file) in MODULE_KINDS);
  return [module(basename(main), "esModule"), ...others.map((file) => module(file, MODULE_KINDS[extname(file)]))];
}

function bindings(worker, variables) {
  return [
    ...Object.entries({ ...worker.vars, ...variables }).map(variable),
    ...worker.durable_objects.bindings.map(
      ({ name, class_name }) => `(name = ${text(name)}, durableObjectNamespace = ${text(class_name)})`,
    ),
    ...worker.d1_databases.map(database),
  ];
}

function variable([name, value]) {
  const kind = typeof value === "string" ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`;
  return `(name = ${text(name)}, ${kind})`;
}

function database({ binding, database_id }) {
  const service = `(name = "d1", props = (json = ${text(JSON.stringify({ database: database_id }))}))`;
  return `(name = ${text(binding)}, wrapped = (moduleName = "cloudflare-internal:d1-api",
        innerBindings = [(name = "fetcher", service = ${service})]))`;
}

function namespaces(worker) {
  return worker.durable_objects.bindings.map(({ class_name }) => namespace(class_name, `${worker.name}-${class_name}`));
}

function namespace(className, uniqueKey) {
  return `(className = ${text(className)}, uniqueKey = ${text(uniqueKey)}, enableSql = true)`;
}

function disk(name, path) {
  return `(name = ${text(name)}, disk = (path = ${text(path)}, writable = true))`;
}

/** A literal: JSON's, but Cap'n Proto has no `\u`. */
export function text(value) {
  return JSON.stringify(value).replace(/\\(?:u00(..)|.)/g, (escape, hex) => (hex ? `\\x${hex}` : escape));
}
