/** Scripts that any page understands. */
import type { PageKit } from "./page_kit.ts";

/** Where a page is and whether its document is there. */
export interface PageLocation {
  readonly href: string;
  /** `loading`, `interactive` or `complete`. */
  readonly readyState: string;
}

/** Says where the page is. */
export function locate({ window }: PageKit): PageLocation {
  return { href: window.location.href, readyState: window.document.readyState };
}

/** Scrolls to the end, which makes pages of this kind load more; answers the page's height in pixels. */
export function scrollToEnd({ window }: PageKit): number {
  const height = window.document.scrollingElement?.scrollHeight ?? 0;
  window.scrollTo(0, height);
  return height;
}

/** The page as it is now, as HTML, cut after `maxChars` characters. */
export function outerHtml({ window }: PageKit, { maxChars }: { maxChars: number }): string {
  return window.document.documentElement.outerHTML.slice(0, maxChars);
}
