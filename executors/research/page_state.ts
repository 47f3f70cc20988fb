/** What a page looks like from outside when it shows no posts. */
import type { PageKit } from "../browser/page_kit.ts";

/** What obstacles are told apart by. */
export interface PageState {
  readonly href: string;
  readonly title: string;
  /** The first words that can be read on the page. */
  readonly text: string;
  /** The names of the markers that can be seen. */
  readonly seen: readonly string[];
}

/** Looks at the page: which of the selectors, by name, find something that can be seen? Runs inside the page. */
export function readState(kit: PageKit, markers: Readonly<Record<string, string>>): PageState {
  const { window } = kit;
  return {
    href: window.location.href,
    title: window.document.title.slice(0, 300),
    text: (window.document.body?.innerText ?? "").trim().slice(0, 3_000),
    seen: Object.keys(markers).filter((name) => kit.visible(markers[name]!)),
  };
}
