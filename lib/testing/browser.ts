/** A real browser for tests of the dashboard: Debian's Chromium, driven by playwright-core, which downloads none itself. */
import type { Browser } from "playwright-core";
import { findProgram } from "./requirements.ts";

/** Nothing that talks to the outside or asks a person; the profile is a fresh temporary folder. */
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

/** Starts it; the caller closes it. @throws Error where Chromium is not installed */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findProgram("chromium");
  if (!executablePath) throw new Error("Chromium is not installed: apt-get install chromium");
  const { chromium } = await loadPlaywright();
  // Tests beside this one send signals to the process that they all share: they do not mean the browser.
  const deaf = { handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false };
  return await chromium.launch({ executablePath, headless: true, args: FLAGS, ...deaf });
}

/**
 * While it loads, a part of it looks into /proc/sys, which Deno refuses to whoever has not all permissions; the
 * variable is that part's own switch to leave it out.
 */
async function loadPlaywright(): Promise<typeof import("playwright-core")> {
  const name = "__IS_WSL_TEST__";
  Deno.env.set(name, "1");
  try {
    return await import("playwright-core");
  } finally {
    Deno.env.delete(name);
  }
}
