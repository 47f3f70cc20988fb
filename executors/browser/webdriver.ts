/** A browser driven through W3C WebDriver: safaridriver on a Mac, chromedriver or geckodriver anywhere. */
import { Agent } from "node:http";
import { basename } from "node:path";
import { type Clock, systemClock, within } from "../../lib/clock.ts";
import { withMachineLock } from "../../lib/process/machine_lock.ts";
import { ProgramVersions } from "../../lib/process/program_version.ts";
import type { Availability } from "../../lib/task/task.ts";
import {
  type Browser,
  BrowserError,
  type BrowserPage,
  LOAD_TIMEOUT_MS,
  type PageOptions,
  SCRIPT_TIMEOUT_MS,
} from "./browser.ts";
import { locate } from "./page_actions.ts";
import { type PageScript, readResult, scriptExpression } from "./page_script.ts";
import { SAFARI_LOCK } from "./safari.ts";
import { webdriverFailure } from "./webdriver_failure.ts";
import { withDriverProcess } from "./webdriver_process.ts";
import {
  capabilitiesFor,
  driverStart,
  findWebDriver,
  type WebDriverChoice,
  type WebDriverProgram,
} from "./webdriver_program.ts";

/** The part of selenium-webdriver's session that is used here; the package has no types of its own. */
interface Session {
  get(url: string): Promise<void>;
  executeScript(script: string): Promise<unknown>;
  takeScreenshot(): Promise<string>;
  quit(): Promise<void>;
}

/** Beyond the driver's own limits, for one that does not answer at all. */
const ANSWER_SLACK_MS = 15_000;
const NEW_SESSION_TIMEOUT_MS = 60_000;
const QUIT_TIMEOUT_MS = 10_000;
const SETTLE_MS = 1_000;

/** Makes the driver; nothing is run yet. */
export function webdriverBrowser(choice: WebDriverChoice, clock: Clock = systemClock): Browser {
  const versions = new ProgramVersions(clock);
  return {
    name: choice.webdriverPath === undefined ? "WebDriver" : basename(choice.webdriverPath),
    check: () => checkDriver(choice, versions),
    async withPage(options, work) {
      const found = await findWebDriver(choice);
      if ("reason" in found) throw new BrowserError("setup", `${found.reason} (${found.fix})`);
      const open = () => withSession(found, options, clock, work);
      if (found.kind !== "safari") return await open();
      return await withMachineLock(SAFARI_LOCK, options.signal, open, { onWait: options.onWait, clock });
    },
  };
}

async function checkDriver(choice: WebDriverChoice, versions: ProgramVersions): Promise<Availability> {
  const found = await findWebDriver(choice);
  if ("reason" in found) return { available: false, ...found };
  const { driver } = found;
  const answer = await versions.ask({ program: driver, args: ["--version"], pattern: /(\d+\.[\w.]+)/ });
  if (!answer.found) return { available: false, reason: `${driver} was not found`, fix: "install it anew" };
  if (answer.version !== undefined) {
    return { available: true, version: `${basename(driver)} ${answer.version}` };
  }
  return { available: false, reason: answer.problem, fix: "run it by hand to see why, and install it anew" };
}

async function withSession<T>(
  program: WebDriverProgram,
  options: PageOptions,
  clock: Clock,
  work: (page: BrowserPage) => Promise<T>,
): Promise<T> {
  const { driver, kind } = program;
  const { tempDir, signal } = options;
  const capabilities = capabilitiesFor(program, {
    tempDir,
    asRoot: Deno.uid() === 0,
    loadMs: LOAD_TIMEOUT_MS,
    scriptMs: SCRIPT_TIMEOUT_MS,
  });
  const asked = new Set<Promise<unknown>>();
  try {
    return await withDriverProcess(
      { driver, start: driverStart(kind, freePort), signal, clock },
      async (address, over) => {
        const answered: Answered = async (ms, ask) => {
          try {
            return await within(clock, ms, over, () => remembered(asked, ask()));
          } catch (error) {
            over.throwIfAborted();
            throw webdriverFailure(error);
          }
        };
        const session = await newSession(address, capabilities, answered);
        try {
          return await work(await openPage(session, options.url, answered));
        } finally {
          // The driver's end ends the browser too; asked politely it leaves its files in order.
          await answered(QUIT_TIMEOUT_MS, () => session.quit()).catch(() => {});
        }
      },
    );
  } finally {
    await settled(asked, clock);
  }
}

async function newSession(
  address: string,
  capabilities: Record<string, unknown>,
  answered: Answered,
): Promise<Session> {
  const { Builder } = await import("selenium-webdriver");
  // Each request has its own connection, so none outlives its answer. The address is always given, so selenium never
  // looks for a driver itself.
  const builder = new Builder().disableEnvironmentOverrides().usingServer(address)
    .usingHttpAgent(new Agent({ keepAlive: false })).withCapabilities(capabilities);
  return await answered<Session>(NEW_SESSION_TIMEOUT_MS, async () => await builder.build());
}

function remembered<T>(asked: Set<Promise<unknown>>, request: Promise<T>): Promise<T> {
  const forget = () => void asked.delete(request);
  asked.add(request);
  request.then(forget, forget);
  return request;
}

/** Requests to a driver that has ended fail by themselves, but selenium asks some times more. */
async function settled(asked: ReadonlySet<Promise<unknown>>, clock: Clock): Promise<void> {
  if (asked.size === 0) return;
  const over = new AbortController();
  await Promise.race([Promise.allSettled(asked), clock.sleep(SETTLE_MS, over.signal)]);
  over.abort();
}

/** Asks the session, for at most `ms` and not beyond the driver's end. @throws BrowserError, the signal's reason */
type Answered = <T>(ms: number, ask: () => Promise<T>) => Promise<T>;

async function openPage(session: Session, url: string, answered: Answered): Promise<BrowserPage> {
  await answered(LOAD_TIMEOUT_MS + ANSWER_SLACK_MS, () => session.get(new URL(url).href));
  const page: BrowserPage = {
    async run<Argument, Result>(script: PageScript<Argument, Result>, argument: Argument) {
      const code = `return ${scriptExpression(script, argument)}`;
      const answer = await answered(SCRIPT_TIMEOUT_MS + ANSWER_SLACK_MS, () => session.executeScript(code));
      return readResult(String(answer)) as Result;
    },
    async screenshot(file) {
      const png = await answered(SCRIPT_TIMEOUT_MS, () => session.takeScreenshot());
      await Deno.writeFile(file, Uint8Array.from(atob(png), (char) => char.charCodeAt(0)), { mode: 0o600 });
    },
  };
  const { href } = await page.run(locate, null);
  if (!/^https?:/.test(href)) throw new BrowserError("navigation", "the browser refused to load the page");
  return page;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
