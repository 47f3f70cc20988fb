import assert from "node:assert/strict";
import { BrowserError } from "./browser.ts";
import { webdriverFailure } from "./webdriver_failure.ts";

const failure = (name: string, text: string) => {
  const { kind, message } = webdriverFailure(Object.assign(new Error(text), { name }));
  return `${kind}: ${message}`;
};

Deno.test("a page that cannot be loaded is told with the browser's own word", () => {
  assert.match(
    failure("WebDriverError", "unknown error: net::ERR_NAME_NOT_RESOLVED\n  (Session info: chrome=1)"),
    /^navigation: .*ERR_NAME_NOT_RESOLVED \(check/,
  );
  assert.match(
    failure("WebDriverError", "Reached error page: about:neterror?e=dnsNotFound&u=x"),
    /^navigation: .*dnsNotFound/,
  );
  assert.match(failure("TimeoutError", "timeout: Timed out receiving message"), /^navigation: .*in time/);
});

Deno.test("what a person has to change is told with how", () => {
  assert.match(
    failure(
      "SessionNotCreatedError",
      "Could not create a session: You must enable 'Allow remote automation'",
    ),
    /^setup: .*safaridriver --enable/,
  );
  assert.match(
    failure("SessionNotCreatedError", "This version of ChromeDriver only supports Chrome version 120"),
    /^setup: .*same version/,
  );
});

Deno.test("a browser that does not start, or is gone, is a crash", () => {
  assert.match(
    failure("SessionNotCreatedError", "Chrome failed to start: crashed."),
    /^crashed: the browser did not start/,
  );
  assert.match(failure("NoSuchSessionError", "invalid session id"), /^crashed: .*invalid session id/);
  assert.match(failure("Error", "ECONNREFUSED connect"), /^crashed/);
});

Deno.test("an error that is told already stays as it is", () => {
  const error = new BrowserError("setup", "told");
  assert.equal(webdriverFailure(error), error);
});
