// Packages of Debian that are measured beside promptmeter.
import { execFileSync } from "node:child_process";

/** Installs packages, which only root can; tells whether it did. */
export function install(packages) {
  if (process.getuid() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    for (const args of [["update", "-q"], ["install", "-qy", "--no-install-recommends", ...packages]]) {
      execFileSync("apt-get", args, { env, stdio: "ignore" });
    }
    return true;
  } catch {
    return false;
  }
}
