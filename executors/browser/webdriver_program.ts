/** The programs that speak W3C WebDriver: which there are, how they are started, and what they are told. */
import { basename, join } from "node:path";
import { findProgram } from "../../lib/process.ts";

/** What a driver is of. */
export type DriverKind = "chrome" | "firefox" | "safari";

/** A driver and its browser on this machine. */
export interface WebDriverProgram {
  readonly kind: DriverKind;
  /** Absolute paths. The browser of safaridriver is always the system's own. */
  readonly driver: string;
  readonly browser?: string;
}

/** Why there is none, and what to do about it. */
export interface WebDriverMissing {
  readonly reason: string;
  readonly fix: string;
}

/** What the configuration says. */
export interface WebDriverChoice {
  readonly webdriverPath?: string;
  readonly webdriverBrowser?: string;
}

const DRIVERS: Record<DriverKind, string> = {
  safari: "safaridriver",
  chrome: "chromedriver",
  firefox: "geckodriver",
};

/** Where browsers are; names on PATH, then a Mac's applications. */
const BROWSERS: Record<Exclude<DriverKind, "safari">, readonly string[]> = {
  chrome: [
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  firefox: ["firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox"],
};

const INSTALL = "install chromium and chromium-driver (or Firefox and geckodriver)";

/** Looks for the driver that the configuration names, or for the first there is, and for its browser. */
export async function findWebDriver(
  choice: WebDriverChoice,
  os: string = Deno.build.os,
): Promise<WebDriverProgram | WebDriverMissing> {
  const found = await findDriver(choice.webdriverPath, os);
  if ("reason" in found || found.kind === "safari") return found;
  const names = choice.webdriverBrowser === undefined ? BROWSERS[found.kind] : [choice.webdriverBrowser];
  for (const name of names) {
    const browser = await findProgram(name);
    if (browser !== undefined) return { ...found, browser };
  }
  return choice.webdriverBrowser === undefined
    ? { reason: `${basename(found.driver)} has no browser here`, fix: `${INSTALL} or set WEBDRIVER_BROWSER` }
    : { reason: `${choice.webdriverBrowser} was not found`, fix: "correct WEBDRIVER_BROWSER" };
}

async function findDriver(
  path: string | undefined,
  os: string,
): Promise<WebDriverProgram | WebDriverMissing> {
  const usual: DriverKind[] = os === "darwin" ? ["safari", "chrome", "firefox"] : ["chrome", "firefox"];
  for (const name of path === undefined ? usual.map((kind) => DRIVERS[kind]) : [path]) {
    const driver = await findProgram(name);
    if (driver === undefined) continue;
    const kind = kindOf(driver);
    if (kind !== undefined) return { kind, driver };
    const fix = "set WEBDRIVER_PATH to a chromedriver, geckodriver or safaridriver";
    return { reason: `${driver} is no WebDriver program that the worker knows`, fix };
  }
  return path === undefined
    ? { reason: "no WebDriver program was found", fix: `${INSTALL} or set WEBDRIVER_PATH` }
    : { reason: `${path} was not found`, fix: "correct WEBDRIVER_PATH" };
}

/** Goes by the name, as distributions add to it (`chromium.chromedriver`). */
function kindOf(driver: string): DriverKind | undefined {
  const name = basename(driver).toLowerCase();
  return (Object.keys(DRIVERS) as DriverKind[]).find((kind) => name.includes(DRIVERS[kind]));
}

/** How a driver is told its port, and how it tells the one that it chose itself. */
export interface DriverStart {
  readonly args: readonly string[];
  /** Finds the port in a line of its stdout; undefined where the port was chosen for it. */
  readonly portIn?: (line: string) => number | undefined;
}

/** `freePort` is for safaridriver, which chooses none itself. */
export function driverStart(
  kind: DriverKind,
  freePort: () => number,
): DriverStart & { readonly port?: number } {
  const reader = (pattern: RegExp) => (line: string) => {
    const port = pattern.exec(line)?.[1];
    return port === undefined ? undefined : Number(port);
  };
  switch (kind) {
    case "chrome":
      return { args: ["--port=0"], portIn: reader(/started successfully on port (\d{1,5})/) };
    case "firefox":
      return { args: ["--port", "0"], portIn: reader(/Listening on 127\.0\.0\.1:(\d{1,5})/) };
    case "safari": {
      const port = freePort();
      return { args: ["-p", String(port)], port };
    }
  }
}

/**
 * The W3C capabilities to ask for: a window that nobody sees, files only in `tempDir`, and no waiting for the pictures
 * of a page.
 */
export function capabilitiesFor(
  { kind, browser }: Pick<WebDriverProgram, "kind" | "browser">,
  options: { tempDir: string; asRoot: boolean; loadMs: number; scriptMs: number },
): Record<string, unknown> {
  const common = {
    pageLoadStrategy: "eager",
    unhandledPromptBehavior: "dismiss",
    timeouts: { pageLoad: options.loadMs, script: options.scriptMs, implicit: 0 },
  };
  const binary = browser === undefined ? {} : { binary: browser };
  switch (kind) {
    case "chrome":
      return {
        ...common,
        browserName: "chrome",
        "goog:chromeOptions": { ...binary, args: chromeArguments(options) },
      };
    case "firefox":
      return {
        ...common,
        browserName: "firefox",
        "moz:firefoxOptions": { ...binary, args: ["-headless", "-width", "1280", "-height", "1600"] },
      };
    case "safari":
      return { browserName: "safari", pageLoadStrategy: "eager", timeouts: common.timeouts };
  }
}

function chromeArguments({ tempDir, asRoot }: { tempDir: string; asRoot: boolean }): string[] {
  return [
    "--headless=new",
    `--user-data-dir=${join(tempDir, "browser")}`,
    "--window-size=1280,1600",
    "--lang=en-US",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage", // in containers it is too small for a browser
    ...asRoot ? ["--no-sandbox"] : [], // Chromium refuses to start as root with it
  ];
}
