// The demo library of an instance in Chromium, and what must not happen in any of its pages.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as development from "../../public/library/development.mjs";
import { ROOT, SETTINGS, bearer, promptRow, start } from "../worker/instance.mjs";
import { USUAL } from "../../scripts/chromium.mjs";
import { launch } from "./chromium.mjs";

/** The keys with which the page needs nobody to sign in. */
export const DEVELOPMENT = { SERVICE_KEY: development.SERVICE_KEY, JWT_SECRET: development.JWT_SECRET };
/** The prompts of the sample. */
export const { prompts: SAMPLE } = JSON.parse(await readFile(join(ROOT, "public/library/sample.json"), "utf8"));

/** A browser with the library of an instance that has these keys. */
export async function library(keys = DEVELOPMENT) {
  const instance = await start(keys, { hasAssets: true });
  const as = bearer({ ...SETTINGS, ...keys }.SERVICE_KEY);
  const browser = await launch(USUAL);
  const origin = new URL(instance.url).origin;

  /**
   * Opens the page at an address. Closing it fails the test if anything was thrown, a dialog came up, another origin was
   * asked, or the Content-Security-Policy was violated. `prepare` gets the page before it is loaded.
   */
  async function open(address = "#/", { prepare = () => {}, ...options } = {}) {
    const permissions = ["clipboard-read", "clipboard-write"];
    const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, permissions, ...options });
    const page = await context.newPage();
    const wrong = [];
    const requests = [];
    page.on("pageerror", (error) => wrong.push(`thrown: ${error.stack}`));
    page.on("dialog", (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("request", (request) => {
      requests.push(request.url());
      if (new URL(request.url()).origin !== origin) wrong.push(`request: ${request.url()}`);
    });
    await page.exposeFunction("violated", (what) => wrong.push(`violation: ${what}`));
    await page.addInitScript(() =>
      addEventListener("securitypolicyviolation", (event) => violated(`${event.violatedDirective} ${event.sourceFile} ${event.blockedURI}`)),
    );
    await prepare(page, context);
    await page.goto(`${instance.url}${address}`);
    const close = async () => {
      await context.close();
      assert.deepEqual(wrong, []);
    };
    const heading = (name) => page.getByRole("heading", { name, exact: true }).first().waitFor();
    return Object.assign(page, { heading, requests, [Symbol.asyncDispose]: close });
  }

  const imported = async (rows) => {
    const body = rows.map((row) => `${JSON.stringify({ table: "prompts", row })}\n`).join("");
    const answer = await instance.send("POST", "/v1/import", { as, body, type: "application/x-ndjson" });
    assert.deepEqual([answer.status, answer.body.refused], [200, []]);
  };

  return {
    ...instance,
    open,
    as,
    imported,

    /** Makes a public prompt and gives it. */
    async prompt(columns) {
      const row = promptRow(columns);
      await imported([row]);
      return row;
    },

    /** Makes a public prompt that is a template, too. */
    async template(columns) {
      const { category = null, tags = [], ...row } = promptRow(columns);
      await imported([{ ...row, category, tags }]);
      const template = { id: randomUUID(), prompt_id: row.id, category, tags };
      assert.equal((await instance.post("/rest/v1/prompt_templates", [template], { as })).status, 201);
      return { ...row, category, template_id: template.id };
    },

    /** All that is told of a prompt. */
    stats: async (id) => (await instance.get(`/v1/prompts/${id}/stats`, { as })).body,
  };
}

/** Waits until a count that is on the page is this. */
export const shows = (page, count, value, within = "main") =>
  page.locator(`${within} [data-count="${count}"]`).first().filter({ hasText: new RegExp(`^${value}$`) }).waitFor();

/** Lets requests to a path be answered with this status. */
export function refusing(status, path, headers = {}) {
  return (page) => page.route(path, (route) => route.fulfill({ status, headers, body: "" }));
}

/** Lets lists look as they do in an empty library. */
export async function seeingNothing(page) {
  await page.route("**/rest/v1/prompts?select=id,slug*", (route) => route.fulfill({ json: [] }));
  await page.route("**/v1/templates/search*", (route) => route.fulfill({ json: { templates: [], next_cursor: null } }));
}
