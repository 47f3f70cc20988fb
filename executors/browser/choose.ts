/** Which browser reads pages on this machine. */
import type { Browser } from "./browser.ts";
import { MAC, safariBrowser } from "./safari.ts";
import { webdriverBrowser } from "./webdriver.ts";

/** What the configuration says. */
export interface BrowserSettings {
  readonly safariDriver: "auto" | "osascript" | "webdriver";
  readonly webdriverPath?: string;
  readonly webdriverBrowser?: string;
}

/** The browser of the settings; `auto` is the person's own Safari on a Mac, else WebDriver. */
export function chooseBrowser(settings: BrowserSettings, os: string = MAC.os): Browser {
  const own = settings.safariDriver === "osascript" ||
    (settings.safariDriver === "auto" && os === "darwin");
  return own ? safariBrowser() : webdriverBrowser(settings);
}
