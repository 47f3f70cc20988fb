/** The few parts of the DOM that page scripts use; Deno's own types know no page. Types only. */

/** An element of a page. */
export interface PageElement {
  readonly textContent: string | null;
  readonly parentElement: PageElement | null;
  readonly outerHTML: string;
  readonly shadowRoot?: PageElement | null;
  /** What YouTube's own elements were made from. */
  readonly data?: unknown;
  /** Absolute, of links. */
  readonly href?: string;
  readonly innerText?: string;
  getAttribute(name: string): string | null;
  querySelector(selectors: string): PageElement | null;
  querySelectorAll(selectors: string): Iterable<PageElement>;
  getClientRects(): { readonly length: number };
}

/** A page's global object. */
export interface PageWindow {
  readonly location: { readonly href: string; readonly host: string };
  readonly document: {
    readonly readyState: string;
    readonly title: string;
    readonly documentElement: PageElement;
    readonly body: PageElement | null;
    readonly scrollingElement: { readonly scrollHeight: number } | null;
    querySelector(selectors: string): PageElement | null;
    querySelectorAll(selectors: string): Iterable<PageElement>;
  };
  scrollTo(x: number, y: number): void;
}
