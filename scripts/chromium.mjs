// The system's Chromium, steered by playwright-core, which downloads none.
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

/** With this a browser is like those of visitors: it does not say that a program steers it. */
export const USUAL = ["--disable-blink-features=AutomationControlled"];

/** Starts Chromium, headless, with these arguments more. CHROMIUM says where it is if it has another name. */
export function launchChromium(args) {
  const find = ["-c", 'command -v "$0"', process.env.CHROMIUM ?? "chromium"];
  const executablePath = execFileSync("sh", find, { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath, args });
}
