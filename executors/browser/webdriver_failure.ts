/** What the errors of WebDriver sessions mean. Pure. */
import { BrowserError } from "./browser.ts";

/** Errors are told apart by the names that W3C WebDriver gives them and by Chromium's and Firefox's words. */
export function webdriverFailure(error: unknown): BrowserError {
  if (error instanceof BrowserError) return error;
  const name = error instanceof Error ? error.name : "";
  const text = (error instanceof Error ? error.message : String(error)).split("\n")[0]!.trim().slice(0, 300);
  const as = (kind: BrowserError["kind"], message: string) =>
    new BrowserError(kind, message, { cause: error });
  if (/allow remote automation/i.test(text)) {
    return as(
      "setup",
      "Safari refuses remote automation (run `safaridriver --enable` once, as an administrator)",
    );
  }
  if (/only supports (Chrome|Firefox)|unsupported browser version/i.test(text)) {
    return as("setup", `driver and browser do not fit together: ${text} (install the same version of both)`);
  }
  if (name === "SessionNotCreatedError") return as("crashed", `the browser did not start: ${text}`);
  const net = /net::(ERR_\w+)|about:neterror\?e=(\w+)/.exec(text);
  if (net) {
    return as(
      "navigation",
      `the page could not be loaded: ${net[1] ?? net[2]} (check the machine's connection)`,
    );
  }
  if (name === "TimeoutError" || /timeout/i.test(name)) {
    return as("navigation", "the page did not load or answer in time");
  }
  return as("crashed", `the browser failed: ${text || name || "it said nothing"}`);
}
