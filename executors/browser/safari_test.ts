import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import {
  appleError,
  type Osascript,
  type OsascriptAnswer,
  osascriptProgram,
} from "../../lib/testing/osascript.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { until } from "../../lib/testing/until.ts";
import { BrowserError } from "./browser.ts";
import type { PageKit } from "./page_kit.ts";
import { safariBrowser, type SafariSurroundings } from "./safari.ts";
import { SAFARI_SCRIPT } from "./safari_applescript.ts";

const HOSTILE = '"; do shell script "rm -rf ~"\n\\" & quit -- \u2028</script>\' \u00e9\u{1f600}';
const echo = (_kit: PageKit, argument: unknown) => argument;

interface Bench {
  readonly surroundings: SafariSurroundings;
  readonly osascript: Osascript;
  /** Where the page is, as the stand-in tells it. */
  readonly page: { href: string; readyState: string };
}

/** Safari as far as its answers go: windows by id, and JavaScript that is really run, by the test itself. */
async function withSafari(
  use: (bench: Bench) => Promise<void>,
  instead: (verb: string, args: readonly string[]) => OsascriptAnswer | Promise<OsascriptAnswer> | undefined =
    () => undefined,
): Promise<void> {
  await using dir = await tempDir();
  const page = { href: "https://www.tiktok.com/", readyState: "complete" };
  const windows = new Set<string>();
  await using osascript = await osascriptProgram(dir.path, async ({ args, stdin }) => {
    const [dash, verb, first, second] = args;
    if (dash !== "-" || stdin !== SAFARI_SCRIPT) return appleError("not the script", -2740);
    const other = await instead(verb!, args);
    if (other) return other;
    if (verb === "open") {
      return { stdout: `${windows.add(String(40 + windows.size)) && [...windows].at(-1)}\n` };
    }
    if (!windows.has(first!)) return appleError(`Safari got an error: Can’t get window id ${first}.`, -1728);
    if (verb === "close") {
      windows.delete(first!);
      return {};
    }
    const inPage = new Function("globalThis", `return ${second}`);
    const document = { readyState: page.readyState };
    return { stdout: `${inPage({ location: { href: page.href }, document })}\n` };
  });
  const application = join(dir.path, "Safari.app");
  await Deno.mkdir(join(application, "Contents"), { recursive: true });
  await Deno.writeTextFile(
    join(application, "Contents", "version.plist"),
    "<plist><dict><key>CFBundleShortVersionString</key>\n\t<string>18.3</string></dict></plist>",
  );
  const screencapture = join(dir.path, "screencapture");
  await Deno.writeTextFile(screencapture, '#!/bin/sh\necho "$@" > "$5"\n', { mode: 0o700 });
  await use({
    osascript,
    page,
    surroundings: {
      os: "darwin",
      osascript: osascript.program,
      screencapture,
      application,
      lockFolder: join(dir.path, "locks"),
      clock: systemClock,
    },
  });
  assert.deepEqual([...windows], [], "a window was left open");
}

const options = (more: { url?: string; signal?: AbortSignal; onWait?: () => void } = {}) => ({
  url: "https://www.tiktok.com/explore",
  signal: new AbortController().signal,
  tempDir: "/nowhere",
  ...more,
});

const fails = (running: Promise<unknown>, kind: BrowserError["kind"], message: RegExp) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof BrowserError, String(error));
    assert.match(`${error.kind}: ${error.message}`, new RegExp(`^${kind}: `));
    assert.match(error.message, message);
    return true;
  });

Deno.test("the AppleScript is always the same, and everything else comes as plain ASCII arguments", async () => {
  await withSafari(async ({ surroundings, osascript }) => {
    const url = `https://www.tiktok.com/search/video?q=${encodeURIComponent(HOSTILE)}`;
    const answer = await safariBrowser(surroundings).withPage(
      options({ url }),
      (page) => page.run(echo, HOSTILE),
    );
    assert.equal(answer, HOSTILE);
    assert.deepEqual(osascript.calls[0], { args: ["-", "open", new URL(url).href], stdin: SAFARI_SCRIPT });
    for (const { args, stdin } of osascript.calls) {
      assert.equal(stdin, SAFARI_SCRIPT);
      assert.match(args.join(" "), /^[\x20-\x7e\n]*$/);
      assert.match(args[1]!, /^(open|run|close)$/);
    }
    assert.equal(osascript.calls.at(-1)!.args[1], "close");
  });
});

Deno.test("an address is made safe even where the caller did not", async () => {
  await withSafari(async ({ surroundings, osascript }) => {
    const url = `https://www.tiktok.com/search?q=${HOSTILE}`;
    await safariBrowser(surroundings).withPage(options({ url }), () => Promise.resolve());
    assert.match(
      osascript.calls[0]!.args[2]!,
      /^https:\/\/www\.tiktok\.com\/search\?q=[\x21\x23-\x7e]*$/,
    );
  });
});

Deno.test("a page is used only when its document is there", async () => {
  await withSafari(async ({ surroundings, page }) => {
    Object.assign(page, { href: "about:blank", readyState: "complete" });
    let slept = 0;
    const clock = {
      ...systemClock,
      sleep: () => {
        if (++slept === 2) Object.assign(page, { href: "https://www.tiktok.com/", readyState: "loading" });
        if (slept === 4) page.readyState = "interactive";
        return Promise.resolve();
      },
    };
    await safariBrowser({ ...surroundings, clock }).withPage(options(), () => Promise.resolve());
    assert.equal(slept, 4);
  });
});

Deno.test("a page that Safari cannot load is told", async () => {
  await withSafari(async ({ surroundings, page }) => {
    page.href = "safari-resource:/ErrorPage.html";
    await fails(
      safariBrowser(surroundings).withPage(options(), () => Promise.resolve()),
      "navigation",
      /connection/,
    );
  });
});

Deno.test("a missing permission is told with what to do, before any page is opened", async () => {
  const denied = () => appleError("Not authorized to send Apple events to Safari.", -1743);
  await withSafari(async ({ surroundings }) => {
    await fails(
      safariBrowser(surroundings).withPage(options(), () => Promise.resolve()),
      "setup",
      /Automation/,
    );
  }, denied);
});

Deno.test("JavaScript that Safari refuses is told with what to do, and the window is closed", async () => {
  const text =
    "Safari got an error: You must enable 'Allow JavaScript from Apple Events' in the Developer section.";
  await withSafari(async ({ surroundings }) => {
    await fails(
      safariBrowser(surroundings).withPage(options(), () => Promise.resolve()),
      "setup",
      /Apple Events/,
    );
  }, (verb) => verb === "run" ? appleError(text, 8) : undefined);
});

Deno.test("Safari that ends in the middle is a crash", async () => {
  let crashed = false;
  await withSafari(
    async ({ surroundings }) => {
      const running = safariBrowser(surroundings).withPage(options(), async (page) => {
        crashed = true;
        await page.run(echo, 1);
      });
      await fails(running, "crashed", /not running/);
    },
    (verb) =>
      crashed && verb === "run"
        ? appleError("Safari got an error: Application isn’t running.", -600)
        : undefined,
  );
});

Deno.test("a stop ends the osascript that hangs, closes the window, and is passed on", async () => {
  const hanging = Promise.withResolvers<OsascriptAnswer>();
  let hangs = false;
  const stop = new AbortController();
  await withSafari(
    async ({ surroundings, osascript }) => {
      const running = safariBrowser(surroundings).withPage(options({ signal: stop.signal }), async (page) => {
        hangs = true;
        await page.run(echo, 1);
      });
      const outcome = assert.rejects(running, /cancelled/);
      await until("osascript hangs", () => hangs && osascript.calls.length >= 3);
      stop.abort(new Error("cancelled"));
      await outcome;
      hanging.resolve({});
      assert.equal(osascript.calls.at(-1)!.args[1], "close");
    },
    (verb) => hangs && verb === "run" ? hanging.promise : undefined,
  );
});

Deno.test("only one page is open at a time, and who waits is told", async () => {
  await withSafari(async ({ surroundings }) => {
    let open = 0;
    let waited = 0;
    const one = () =>
      safariBrowser(surroundings).withPage(options({ onWait: () => waited++ }), async (page) => {
        assert.equal(++open, 1);
        await page.run(echo, 1);
        open--;
      });
    await Promise.all([one(), one()]);
    assert.equal(waited, 1);
  });
});

Deno.test("a screenshot is of the worker's own window", async () => {
  await withSafari(async ({ surroundings }) => {
    await using dir = await tempDir();
    const file = join(dir.path, "shot.png");
    await safariBrowser(surroundings).withPage(options(), (page) => page.screenshot(file));
    assert.equal(await Deno.readTextFile(file), `-x -o -l 40 ${file}\n`);
    const refused = safariBrowser({ ...surroundings, screencapture: "/bin/false" });
    await fails(
      refused.withPage(options(), (page) => page.screenshot(file + 2)),
      "setup",
      /Screen Recording/,
    );
  });
});

Deno.test("Safari is offered with its version, and only on a Mac that has it", async () => {
  await withSafari(async ({ surroundings }) => {
    assert.deepEqual(await safariBrowser(surroundings).check(), { available: true, version: "Safari 18.3" });
    for (
      const missing of [{ os: "linux" }, { application: "/no/Safari.app" }, { osascript: "/no/osascript" }]
    ) {
      const answer = await safariBrowser({ ...surroundings, ...missing }).check();
      assert.ok(!answer.available && /SAFARI_DRIVER=webdriver/.test(answer.fix), JSON.stringify(missing));
    }
  });
});
