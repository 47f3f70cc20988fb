/** What page scripts are given: small tools that read a page. Runs inside the page. */
import type { PageElement, PageWindow } from "./page_window.ts";

/** A link and the largest part of the page that belongs to nothing but what it leads to. */
export interface Card {
  /** What the pattern matched in the link's address. */
  readonly match: readonly string[];
  readonly link: PageElement;
  readonly card: PageElement;
}

/** A JSON object of unknown form. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The tools of {@link pageKit}. */
export interface PageKit {
  readonly window: PageWindow;
  /** What the scripts that the selector finds hold as JSON; what is no JSON is left out. */
  json(selector: string): unknown[];
  /** All objects inside a JSON value that match, from its beginning on; what lies inside a match is not looked at. */
  find(
    root: unknown,
    matches: (object: JsonObject) => boolean,
    skippedKeys?: readonly string[],
  ): JsonObject[];
  /** The value at a path of keys and indexes; undefined where there is none. */
  at(value: unknown, ...path: readonly (string | number)[]): unknown;
  /** The text of the first element that the selector finds, without space around it; null for none. */
  text(root: PageElement, selector: string): string | null;
  /** The links to the page's own host whose path and query match, each with its card. */
  cards(pattern: RegExp): Card[];
  /** Whether something that the selector finds can be seen. */
  visible(selector: string): boolean;
}

/** Makes the tools. Self-contained, for it is sent into the page as text: it may name nothing outside itself. */
export function pageKit(): PageKit {
  const MAX_NODES = 500_000;
  const MAX_CARD_LEVELS = 12;
  const page = globalThis as unknown as PageWindow;

  const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null;
  const isShown = (element: PageElement) => element.getClientRects().length > 0;
  const target = (link: PageElement, pattern: RegExp): RegExpExecArray | null => {
    const url = link.href ? new URL(link.href) : undefined;
    return url?.host === page.location.host ? pattern.exec(url.pathname + url.search) : null;
  };

  return {
    window: page,
    json(selector) {
      const values: unknown[] = [];
      for (const script of page.document.querySelectorAll(selector)) {
        try {
          values.push(JSON.parse(script.textContent ?? ""));
        } catch {
          // The page's business; a reader that finds nothing says so.
        }
      }
      return values;
    },
    find(root, matches, skippedKeys = []) {
      const found: JsonObject[] = [];
      const seen = new Set<unknown>();
      const stack: unknown[] = [root];
      while (stack.length > 0 && seen.size < MAX_NODES) {
        const value = stack.pop();
        if (!isObject(value) || seen.has(value)) continue;
        seen.add(value);
        if (!Array.isArray(value) && matches(value)) {
          found.push(value);
          continue;
        }
        const keys = Object.keys(value).filter((key) => !skippedKeys.includes(key));
        for (const key of keys.reverse()) stack.push(value[key]);
      }
      return found;
    },
    at(value, ...path) {
      let found = value;
      for (const key of path) found = isObject(found) ? found[key] : undefined;
      return found;
    },
    text(root, selector) {
      const element = root.querySelector(selector);
      return (element?.innerText ?? element?.textContent)?.trim() || null;
    },
    cards(pattern) {
      const cards: Card[] = [];
      for (const link of page.document.querySelectorAll("a[href]")) {
        const match = target(link, pattern);
        if (!match) continue;
        let card = link;
        for (let level = 0; level < MAX_CARD_LEVELS && card.parentElement; level++) {
          const others = [...card.parentElement.querySelectorAll("a[href]")].some((other) => {
            const leadsTo = target(other, pattern);
            return leadsTo !== null && leadsTo[0] !== match[0];
          });
          if (others || card.parentElement === page.document.body) break;
          card = card.parentElement;
        }
        cards.push({ match: [...match], link, card });
      }
      return cards;
    },
    visible: (selector) => [...page.document.querySelectorAll(selector)].some(isShown),
  };
}
