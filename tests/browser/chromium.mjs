// Pages in a real Chromium, at an origin that is not the worker's.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after } from "node:test";
import { USUAL, launchChromium } from "../../scripts/chromium.mjs";
import { BROWSERS } from "../worker/agents.mjs";
import { start } from "../worker/instance.mjs";

/** A site without TLS, whose pages are no secure contexts. */
const INSECURE = "pages.test";
// Headless Chromium says what it is, and its views are dropped. What a page sends when it is left has the browser's own
// user agent and not that of the page.
const ARGS = [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`, `--user-agent=${BROWSERS[0]}`];

/** Starts a browser that ends with the tests of its file. */
export async function launch(args) {
  const browser = await launchChromium([...ARGS, ...args]);
  after(() => browser.close());
  return browser;
}

/** Serves pages: what is registered under the first part of a path answers all paths below it. */
async function site() {
  const pages = [];
  const server = createServer((request, response) => {
    const page = pages[request.url.split("/")[1]];
    response.writeHead(page ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...page?.headers });
    response.end(page?.html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address();
  return {
    /** Registers a page and gives its address. */
    add: (html, { headers = {}, host = "127.0.0.1" } = {}) => `http://${host}:${port}/${pages.push({ html, headers }) - 1}/`,
    insecure: INSECURE,
  };
}

/** An instance, a site, and browsers: one like those of visitors, and one that says that a program steers it. */
export async function set() {
  const instance = await start({}, { hasAssets: true });
  const pages = await site();
  const browsers = { usual: await launch(USUAL), steered: await launch([]) };
  const script = (name = "pm.js") => `<script src="${new URL(name, instance.url)}"></script>`;

  /**
   * Opens a page with this body after the script. Gives the page; `page.sent` are the requests with events.
   * `prepare` gets the page before it is loaded. A page in which anything throws fails its test.
   */
  async function open(body, { head = script(), browser = "usual", prepare = () => {}, ...served } = {}) {
    const context = await browsers[browser].newContext({
      viewport: { width: 800, height: 600 },
      permissions: served.host ? [] : ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    const sent = [];
    const thrown = [];
    page.on("pageerror", (error) => thrown.push(error));
    page.on("request", (request) => request.url().includes("/v1/events") && sent.push(request));
    await prepare(page, context);
    await page.goto(pages.add(`<!doctype html>${head}<body>${body}`, served));
    const close = async () => {
      await context.close();
      assert.deepEqual(thrown, []);
    };
    return Object.assign(page, { sent, [Symbol.asyncDispose]: close });
  }

  return { ...instance, open, pages, script };
}

/** An element that shows a prompt. */
export const card = (id, { height = 100, more = "", inside = "" } = {}) =>
  `<div data-prompt-id="${id}" ${more} style="height: ${height}px">${inside}</div>`;

/** What leaves a place of this height. */
export const gap = (height) => `<div style="height: ${height}px"></div>`;
