import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram, needs } from "../../lib/testing/requirements.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { BrowserError, type BrowserPage } from "./browser.ts";
import { locate, outerHtml } from "./page_actions.ts";
import type { PageKit } from "./page_kit.ts";
import { PageScriptError } from "./page_script.ts";
import { webdriverBrowser } from "./webdriver.ts";

const chromium = await needs("chromium", "chromedriver");
const choice = {
  webdriverPath: await findProgram("chromedriver"),
  webdriverBrowser: await findProgram("chromium"),
};
const HOSTILE = '"; do shell script "rm -rf ~"\n\\" </script>\' \u2028\u00e9\u{1f600} ${x} `';
const echo = (_kit: PageKit, argument: unknown) => argument;

/** Opens a page of a local server in real Chromium. */
async function withPage<T>(
  work: (page: BrowserPage, dir: string) => Promise<T>,
  options: { url?: string; signal?: AbortSignal; choice?: Parameters<typeof webdriverBrowser>[0] } = {},
): Promise<T> {
  await using dir = await tempDir();
  // As long as the folders of tasks may be: longer than what the system takes as a socket's path.
  const folder = join(dir.path, "a-folder-of-a-task".repeat(8));
  await Deno.mkdir(folder);
  const html = "<!doctype html><title>A page</title><p>caf\u00e9</p>";
  const headers = { "content-type": "text/html; charset=utf-8" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(html, { headers }),
  );
  try {
    const url = options.url ?? `http://127.0.0.1:${server.addr.port}/?q=${encodeURIComponent(HOSTILE)}`;
    const signal = options.signal ?? new AbortController().signal;
    return await webdriverBrowser(options.choice ?? choice)
      .withPage({ url, signal, tempDir: folder }, (page) => work(page, folder));
  } finally {
    await server.shutdown();
    assert.deepEqual(await processesOf(folder), [], "something of the browser still runs");
  }
}

/** The command lines that name the folder, as all of the browser's do. */
async function processesOf(folder: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-axww", "-o", "stat=,args="] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) =>
    line.includes(folder) && !line.startsWith("Z")
  );
}

const fails = (running: Promise<unknown>, kind: BrowserError["kind"], message: RegExp) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof BrowserError, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  });

Deno.test({
  name: "a page in real Chromium runs scripts with any data, gives its HTML and its picture",
  ...chromium,
  fn: () =>
    withPage(async (page, dir) => {
      assert.equal(await page.run(echo, HOSTILE), HOSTILE);
      const { href, readyState } = await page.run(locate, null);
      assert.equal(new URL(href).searchParams.get("q"), HOSTILE);
      assert.match(readyState, /interactive|complete/);
      assert.match(await page.run(outerHtml, { maxChars: 1_000 }), /<p>caf\u00e9<\/p>/);
      assert.equal(await page.run(outerHtml, { maxChars: 5 }), "<html");
      const file = join(dir, "shot.png");
      await page.screenshot(file);
      assert.deepEqual(
        [...(await Deno.readFile(file)).subarray(1, 4)],
        [..."PNG"].map((char) => char.charCodeAt(0)),
      );
      const failing = page.run((): never => {
        throw new Error("no such luck");
      }, null);
      await assert.rejects(failing, PageScriptError);
      assert.ok((await processesOf(dir)).length > 0);
    }),
});

Deno.test({
  name: "a page that cannot be reached is told with the browser's word for it",
  ...chromium,
  fn: () =>
    fails(withPage(() => assert.fail(), { url: "http://127.0.0.1:9/" }), "navigation", /ERR_|refused/),
});

Deno.test({
  name: "a browser that crashes is told at once, and nothing of it is left",
  ...chromium,
  fn: () =>
    fails(
      withPage(async (page, dir) => {
        const { stdout } = await new Deno.Command("ps", { args: ["-axww", "-o", "pid=,args="] }).output();
        const own = new TextDecoder().decode(stdout).split("\n").filter((line) => line.includes(dir));
        const main = own.find((line) => !line.includes("--type=") && /--user-data-dir/.test(line));
        Deno.kill(Number(main!.trim().split(" ")[0]), "SIGKILL");
        for (;;) await page.run(echo, 1);
      }),
      "crashed",
      /failed|disconnected|session/i,
    ),
});

Deno.test({
  name: "a driver that ends is told at once, and the browser ends with it",
  ...chromium,
  fn: async () => {
    await using dir = await tempDir();
    const pidFile = join(dir.path, "pid");
    const driver = join(dir.path, "chromedriver");
    const text = `#!/bin/sh\necho $$ > '${pidFile}'\nexec '${choice.webdriverPath}' "$@"\n`;
    await Deno.writeTextFile(driver, text, { mode: 0o700 });
    const running = withPage(async (page) => {
      Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGKILL");
      for (;;) await page.run(echo, 1);
    }, { choice: { ...choice, webdriverPath: driver } });
    await fails(running, "crashed", /chromedriver was killed by SIGKILL/);
  },
});

Deno.test({
  name: "a stop ends the browser in the middle of a script and is passed on",
  ...chromium,
  fn: async () => {
    const stop = new AbortController();
    const running = withPage(async (page) => {
      const endless = page.run(() => {
        for (const start = Date.now(); Date.now() - start < 20_000;);
      }, null);
      stop.abort(new Error("cancelled"));
      await endless;
    }, { signal: stop.signal });
    await assert.rejects(running, /cancelled/);
  },
});

Deno.test({
  name: "a driver that chose a port that is taken is started again, but not for ever",
  ...chromium,
  fn: async () => {
    await using dir = await tempDir();
    const driver = join(dir.path, "chromedriver");
    const starts = join(dir.path, "starts");
    const script = (good: number) =>
      `#!/bin/sh\necho >> '${starts}'\n[ $(wc -l < '${starts}') -ge ${good} ] && exec '${choice.webdriverPath}' "$@"\n` +
      "echo 'bind() failed: Address already in use (98)' >&2\nexit 1\n";
    await Deno.writeTextFile(driver, script(2), { mode: 0o700 });
    assert.equal(
      await withPage((page) => page.run(echo, 7), { choice: { ...choice, webdriverPath: driver } }),
      7,
    );
    await Deno.remove(starts);
    await Deno.writeTextFile(driver, script(99), { mode: 0o700 });
    const hopeless = withPage(() => assert.fail(), { choice: { ...choice, webdriverPath: driver } });
    await fails(hopeless, "crashed", /Address already in use/);
    assert.equal((await Deno.readTextFile(starts)).length, 3);
  },
});

Deno.test("a driver that cannot start is told with what it said", async () => {
  await using dir = await tempDir();
  const driver = join(dir.path, "chromedriver");
  await Deno.writeTextFile(driver, "#!/bin/sh\necho no libnss here >&2\nexit 127\n", { mode: 0o700 });
  const broken = { webdriverPath: driver, webdriverBrowser: driver };
  await fails(
    withPage(() => assert.fail(), { choice: broken }),
    "crashed",
    /exited with status 127: no libnss here/,
  );
  const check = await webdriverBrowser(broken).check();
  assert.ok(!check.available && /--version/.test(check.reason));
});

Deno.test("a driver that is not there is told with the setting", async () => {
  const missing = { webdriverPath: "/no/chromedriver" };
  await fails(withPage(() => assert.fail(), { choice: missing }), "setup", /WEBDRIVER_PATH/);
  const check = await webdriverBrowser(missing).check();
  assert.ok(!check.available && /WEBDRIVER_PATH/.test(check.fix));
});

Deno.test({
  name: "the driver is offered with its version",
  ...chromium,
  fn: async () => {
    const check = await webdriverBrowser(choice).check();
    assert.ok(check.available && /^chromedriver \d+\.\d/.test(check.version!), JSON.stringify(check));
  },
});
