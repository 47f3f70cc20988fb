/** What osascript's error messages mean. Pure. */
import { BrowserError } from "./browser.ts";

/** The last lines of stderr, e.g. `12:40: execution error: Not authorized to send Apple events to Safari. (-1743)`. */
export function safariFailure(stderr: readonly string[]): BrowserError {
  const text = stderr.join(" ").trim();
  const number = Number(/\((-?\d+)\)\s*$/.exec(text)?.[1] ?? NaN);
  if (number === -1743 || number === -1744 || /not authori[sz]ed to send apple events/i.test(text)) {
    return new BrowserError(
      "setup",
      "macOS does not let the worker control Safari (allow it in System Settings > Privacy & Security > Automation)",
    );
  }
  // English, then by number: Safari's own error 8 is this one in every language.
  if (/allow javascript from apple events/i.test(text) || number === 8) {
    return new BrowserError(
      "setup",
      "Safari does not run JavaScript for the worker (turn on Allow JavaScript from Apple Events in Safari's " +
        "Settings > Developer, or in older versions in its Develop menu)",
    );
  }
  if (number === -10810 || number === -10661) {
    return new BrowserError(
      "setup",
      "Safari cannot be started here (the worker must run in the session of a person who is logged in at the screen)",
    );
  }
  if (number === -600 || number === -609) {
    return new BrowserError("crashed", "Safari is not running any more");
  }
  if (number === -1712) return new BrowserError("crashed", "Safari did not answer in time");
  if (number === -1728 || number === -1719) {
    return new BrowserError("crashed", "the window that the worker opened in Safari is gone");
  }
  return new BrowserError("crashed", `osascript failed: ${text.slice(-300) || "it said nothing"}`);
}
