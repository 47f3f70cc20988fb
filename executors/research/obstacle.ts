/** Why a page shows no posts. Pure. */
import type { Platform } from "./input.ts";
import type { PageState } from "./page_state.ts";

/** What can stand between the worker and the posts of a platform. */
export type Reason =
  | "captcha"
  | "login_wall"
  | "consent_wall"
  | "refused"
  | "redirected"
  | "changed_page"
  | "not_loaded"
  | "browser";

/** What a page turned out to be: one without results, which is an answer too, or one that keeps them back. */
export type Obstacle = "no_results" | Exclude<Reason, "changed_page" | "not_loaded" | "browser">;

/** Elements that give obstacles away, for `readState`. */
export const MARKERS: Readonly<
  Record<"captcha" | "login" | "loginDialog" | "consent" | "searchError", string>
> = {
  captcha: [
    ".captcha_verify_container",
    ".captcha-verify-container",
    "#captcha_container",
    "#captcha-verify-image",
    "form#captcha-form",
    ".g-recaptcha",
    'iframe[src*="/recaptcha/"][title*="challenge"]',
    'iframe[src*="hcaptcha.com"]',
  ].join(", "),
  login: '#loginContainer, [data-e2e="login-modal"], form#loginForm, form#login_form',
  loginDialog: 'input[type="password"]',
  consent: [
    'form[action*="consent.youtube.com"]',
    'form[action*="consent.google."]',
    "ytd-consent-bump-v2-lightbox",
    "tiktok-cookie-banner",
    '[data-testid="cookie-policy-manage-dialog"]',
    '[data-cookiebanner="accept_button"]',
  ].join(", "),
  searchError: '[data-e2e="search-error-title"]',
};

const NO_RESULTS: Record<Platform, RegExp> = {
  tiktok:
    /no results found|couldn't find this hashtag|no videos (yet|with this hashtag)|couldn’t find this hashtag/i,
  instagram: /no results found|no posts yet|we couldn't find anything|we couldn’t find anything/i,
  youtube: /no results found|no videos found|this hashtag (doesn't|doesn’t) have any/i,
};
const LOGIN_PATH = /^\/(accounts\/(login|signup)|login|signup)(\/|$)/;
const CAPTCHA_PATH = /^\/(challenge|sorry|accounts\/suspended|checkpoint)(\/|$)/;
const REFUSED =
  /something went wrong|please wait a few minutes|too many requests|unusual traffic|access denied|page isn['’]t available right now/i;

/**
 * What keeps the posts back, if the page gives it away. Walls come before what else stands on the page, since they
 * are laid over it; the text decides last, because posts may say anything.
 */
export function obstacleOn(
  platform: Platform,
  state: PageState,
  isOwn: (url: URL) => boolean,
): Obstacle | undefined {
  const url = URL.parse(state.href);
  const seen = (marker: keyof typeof MARKERS) => state.seen.includes(marker);
  if (url !== null && /^consent\.(youtube|google)\./.test(url.host)) return "consent_wall";
  if (url !== null && (CAPTCHA_PATH.test(url.pathname) || seen("captcha"))) return "captcha";
  if (url !== null && !isOwn(url)) return "redirected";
  if ((url !== null && LOGIN_PATH.test(url.pathname)) || seen("login")) return "login_wall";
  if (NO_RESULTS[platform].test(state.text)) return "no_results";
  if (seen("loginDialog")) return "login_wall";
  if (seen("searchError") || REFUSED.test(state.text)) return "refused";
  if (seen("consent")) return "consent_wall";
  return undefined;
}

/** For people: what it is and what to do. */
export function explain(reason: Reason, platform: Platform, browser: string): string {
  const deed = (what: string) =>
    browser === "Safari"
      ? `${what} in Safari`
      : `SAFARI_DRIVER=osascript on a Mac reads in your own Safari, where you can ${what}`;
  switch (reason) {
    case "captcha":
      return `${platform} asks for a captcha (${deed("solve it once")})`;
    case "login_wall":
      return `${platform} shows this only to people who are logged in (${deed("log in")})`;
    case "consent_wall":
      return `${platform} asks for consent to cookies first (${deed("answer it once")})`;
    case "refused":
      return `${platform} refused to answer (wait some time before trying again)`;
    case "redirected":
      return `${platform} led to another site`;
    case "changed_page":
      return `${platform} showed a page without any posts that were recognised (it may have changed)`;
    case "not_loaded":
      return `${platform}'s page was not loaded (check the machine's connection)`;
    case "browser":
      return `${browser} failed`;
  }
}

/** Whether another attempt soon may do better without a person. */
export function mayPass(reason: Reason): boolean {
  return ["captcha", "refused", "redirected", "not_loaded", "browser"].includes(reason);
}
