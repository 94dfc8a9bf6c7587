// Somebody who reads the demo library in a browser, on an instance whose keys are the development keys.
import { BROWSERS } from "../../tests/worker/agents.mjs";
import { USUAL, launchChromium } from "../chromium.mjs";

/** A browser whose views are counted: headless Chromium says what it is, and its views are dropped. */
export const launchVisitor = () => launchChromium([...USUAL, `--user-agent=${BROWSERS[0]}`]);

/** Loads the sample as a reader does, by a click. */
export async function loadSample(browser, origin) {
  const page = await browser.newPage();
  await page.goto(origin);
  await page.getByRole("button", { name: "Load 30 sample prompts" }).click();
  await page.getByRole("button", { name: "Fork" }).waitFor();
  await page.close();
}
