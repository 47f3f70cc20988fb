import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import { capabilitiesFor, driverStart, findWebDriver } from "./webdriver_program.ts";

async function program(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await Deno.writeTextFile(path, "#!/bin/sh\n", { mode: 0o700 });
  return path;
}

Deno.test("a driver is known by its name, also under a distribution's", async () => {
  await using dir = await tempDir();
  const browser = await program(dir.path, "browser");
  for (
    const [name, kind] of [["chromedriver", "chrome"], ["chromium.chromedriver", "chrome"], [
      "geckodriver",
      "firefox",
    ]]
  ) {
    const driver = await program(dir.path, name!);
    assert.deepEqual(await findWebDriver({ webdriverPath: driver, webdriverBrowser: browser }), {
      kind,
      driver,
      browser,
    });
  }
  const safaridriver = await program(dir.path, "safaridriver");
  assert.deepEqual(await findWebDriver({ webdriverPath: safaridriver }), {
    kind: "safari",
    driver: safaridriver,
  });
});

Deno.test("what is missing is told with the setting to correct", async () => {
  await using dir = await tempDir();
  const driver = await program(dir.path, "chromedriver");
  const other = await program(dir.path, "operadriver");
  const fix = async (choice: Parameters<typeof findWebDriver>[0]) => {
    const found = await findWebDriver(choice);
    return "fix" in found ? `${found.reason}; ${found.fix}` : "found";
  };
  assert.match(
    await fix({ webdriverPath: "/no/chromedriver" }),
    /\/no\/chromedriver was not found; .*WEBDRIVER_PATH/,
  );
  assert.match(await fix({ webdriverPath: other }), /operadriver is no WebDriver.*; .*WEBDRIVER_PATH/);
  assert.match(
    await fix({ webdriverPath: driver, webdriverBrowser: "/no/b" }),
    /\/no\/b was not found; .*WEBDRIVER_BROWSER/,
  );
});

Deno.test("drivers choose their port and say it, except safaridriver, which is told", () => {
  const none = () => assert.fail("no port is needed");
  const chrome = driverStart("chrome", none);
  assert.equal(chrome.portIn?.("ChromeDriver was started successfully on port 41347."), 41_347);
  assert.equal(chrome.portIn?.("Only local connections are allowed."), undefined);
  const firefox = driverStart("firefox", none);
  assert.equal(firefox.portIn?.("1700000000000\tgeckodriver\tINFO\tListening on 127.0.0.1:4444"), 4_444);
  assert.deepEqual(driverStart("safari", () => 5_555), { args: ["-p", "5555"], port: 5_555 });
});

Deno.test("Chromium's sandbox is given up only where it cannot work: as root", () => {
  const args = (asRoot: boolean) =>
    JSON.stringify(capabilitiesFor({ kind: "chrome" }, { tempDir: "/t", asRoot, loadMs: 1, scriptMs: 1 }));
  assert.match(args(true), /--no-sandbox/);
  assert.doesNotMatch(args(false), /--no-sandbox/);
  assert.match(args(false), /--headless/);
  assert.match(args(false), /--user-data-dir=\/t\/browser/);
});
