/**
 * What the dashboard costs to open: `deno run -A scripts/bench_page.ts [--rounds 15]`. A real worker on loopback, a
 * browser that knows nothing of the page yet: the median and the worst of first paint and of the first figures on
 * show, in ms, and the bytes on the way.
 */
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { startBrowser } from "../lib/testing/browser.ts";
import { type DashboardWorker, dashboardWorker } from "../lib/testing/dashboard.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const GOALS = { paintMs: 150, bytes: 100_000 };

interface Round {
  readonly paint: number;
  readonly figures: number;
  readonly bytes: number;
  readonly requests: number;
}

async function round(browser: Browser, worker: DashboardWorker): Promise<Round> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    let bytes = 0;
    let requests = 0;
    const ours = new Set<string>();
    devtools.on("Network.responseReceived", ({ requestId, response }) => {
      if (/\/(?:[a-z_]+\.(?:js|css))?(?:#|$)/.test(new URL(response.url).pathname)) ours.add(requestId);
    });
    devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (!ours.has(requestId)) return;
      bytes += encodedDataLength;
      requests++;
    });
    await page.goto(await worker.signInUrl());
    await page.getByText("All is well").waitFor();
    const figures = await page.evaluate<number>("performance.now()");
    const paint = await page.evaluate<number>(
      `performance.getEntriesByName("first-contentful-paint")[0].startTime`,
    );
    return { paint, figures, bytes, requests };
  } finally {
    await context.close();
  }
}

/** The least that this machine and its browser take at the moment. */
async function emptyPage(browser: Browser): Promise<number> {
  const page = await browser.newPage();
  try {
    await page.goto("data:text/html,<p>Hello");
    await page.waitForTimeout(100);
    return await page.evaluate<number>(
      `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN`,
    );
  } finally {
    await page.close();
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function told(name: string, times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `${name}: median ${Math.round(sorted[sorted.length >> 1]!)} ms, worst ${
    Math.round(sorted.at(-1)!)
  } ms`;
}

await using worker = await dashboardWorker({ workerId: "bench" });
const browser = await startBrowser();
try {
  await round(browser, worker); // the browser itself starts
  const rounds: Round[] = [];
  const empty: number[] = [];
  for (let i = 0; i < Number(values.rounds); i++) {
    rounds.push(await round(browser, worker));
    empty.push(await emptyPage(browser));
  }
  const [{ bytes, requests }] = rounds as [Round];
  print(`${told("first paint", rounds.map(({ paint }) => paint))} (goal: ${GOALS.paintMs} ms)`);
  print(told("the same of a page with one word and no server", empty.filter(Number.isFinite)));
  print(told("figures on show", rounds.map(({ figures }) => figures)));
  print(`on the way: ${bytes} bytes in ${requests} requests (goal: ${GOALS.bytes} bytes)`);
} finally {
  await browser.close();
}
