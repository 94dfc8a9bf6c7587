// The pictures of docs/pictures: which there are, and how one is taken.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXPERIMENT } from "./filled.mjs";

const DASHBOARD_KEY = "promptmeter-service-key";

/** By its name: where the page is, and what is done before it is taken. */
export const PICTURES = {
  library: { address: "/", height: 800, show: libraryShown },
  prompt: { address: "/#/prompts/sample-plain-language-rewrite", height: 900, show: filledIn },
  comparison: { address: "/#/compare/sample-explain-an-error-message/sample-code-review-with-reasons", height: 800, show: compared },
  dashboard: { address: "/dashboard", height: 900, show: dashboardShown },
  experiment: { address: `/dashboard#/experiments/${EXPERIMENT}`, height: 900, show: judged },
};
/** How large the file of a picture may be. */
export const MOST_BYTES = 150_000;
export const COLOUR_SCHEMES = ["light", "dark"];
const [WIDTH, QUALITY] = [1120, 88];
/** A machine that does other things, too, takes its time. */
const PATIENCE_MS = 120_000;

/** The name of a picture's file. */
export const fileOf = (name, colorScheme) => `${name}-${colorScheme}.webp`;

/**
 * Takes a picture of an instance. What goes wrong in the page, an answer that refuses included, is thrown.
 * @param browser one like those of visitors
 * @param serviceKey what the dashboard asks for
 */
export async function take(name, { browser, origin, serviceKey, folder, colorScheme, width = WIDTH }) {
  const { address, height, show } = PICTURES[name];
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  try {
    await context.addInitScript(([name, key]) => sessionStorage.setItem(name, key), [DASHBOARD_KEY, serviceKey]);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const { promise: failed, reject } = Promise.withResolvers();
    const wrong = (what) => reject(new Error(`${name}: ${what}`));
    page.on("pageerror", (error) => wrong(error.stack));
    page.on("console", (message) => message.type() === "error" && wrong(message.text()));
    page.on("response", (response) => response.status() >= 400 && wrong(`${response.status()} ${response.url()}`));
    const file = join(folder, fileOf(name, colorScheme));
    await Promise.race([failed, taken(page, { address: origin + address, show, file })]);
  } finally {
    await context.close();
  }
}

async function taken(page, { address, show, file }) {
  await page.goto(address);
  await show(page);
  await page.evaluate(() => document.fonts.ready);
  // Playwright writes no WebP, which is smaller than PNG.
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  await writeFile(file, Buffer.from(data, "base64"));
}

const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Waits until the page has its heading, and all counts in it are numbers. */
async function libraryShown(page) {
  await page.locator("h1").waitFor();
  await page.locator(".counts dd").first().waitFor();
  await page.locator(".counts dd").filter({ hasText: "–" }).first().waitFor({ state: "detached" });
}

async function filledIn(page) {
  await libraryShown(page);
  await page.getByLabel("Text", { exact: true }).fill("Pursuant to section 4, the undersigned shall be liable for any and all costs that arise.");
  await button(page, "Like").click();
  await page.getByRole("button", { name: "Like", pressed: true }).waitFor();
  await page.locator("#said").evaluate((said) => said.replaceChildren());
}

async function compared(page) {
  await libraryShown(page);
  await page.getByText("This comparison is counted for both.").waitFor();
}

/** Waits until nothing of the dashboard is being loaded, and its charts are drawn. */
async function dashboardShown(page) {
  await page.waitForFunction(() => document.querySelector("main h2") && !document.querySelector("main [aria-busy]"));
  await page.locator("figure canvas").first().waitFor();
}

async function judged(page) {
  await dashboardShown(page);
  await page.getByRole("region", { name: "Verdict" }).evaluate((part) => part.scrollIntoView());
}
