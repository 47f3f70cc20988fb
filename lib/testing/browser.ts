/** A real browser for tests of the dashboard: Debian's Chromium, driven by playwright-core, which downloads none itself. */
import { type Browser, chromium } from "playwright-core";
import { findProgram } from "./requirements.ts";

/** Nothing that talks to the outside or asks a person; a fresh profile in a temporary folder. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it; the caller closes it. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findProgram("chromium");
  if (!executablePath) throw new Error("Chromium is not installed: apt-get install chromium");
  return await chromium.launch({ executablePath, headless: true, args: FLAGS });
}
