/** Reading one open page to its end: what it shows, then more by scrolling, within bounds. */
import type { Clock } from "../../lib/clock.ts";
import type { BrowserPage } from "../browser/browser.ts";
import { locate, scrollToEnd } from "../browser/page_actions.ts";
import { PageScriptError } from "../browser/page_script.ts";
import { type ResearchItem, researchItem } from "./item.ts";
import { mergeInto } from "./merge.ts";
import { MARKERS, type Obstacle, obstacleOn, type Reason } from "./obstacle.ts";
import { readState } from "./page_state.ts";
import type { ResearchPage } from "./sites.ts";

/** What to read and how much of it. */
export interface CollectOptions {
  readonly page: BrowserPage;
  readonly site: ResearchPage;
  readonly maxItems: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Gathers what is found, by id, and keeps it when the reading fails half-way. */
  readonly found: Map<string, ResearchItem>;
  /** Told after every look how many there are. */
  readonly onCount: (count: number) => void;
}

/** A page that shows no posts, with the reason. */
export class ObstacleError extends Error {
  override readonly name = "ObstacleError";
  constructor(readonly reason: Exclude<Reason, "browser">) {
    super(reason);
  }
}

const LOOK_EVERY_MS = 700;
/** How long a page may take to show its first posts. */
const FIRST_ITEMS_MS = 25_000;
/** How long to wait for more after scrolling, and how many times in vain. */
const MORE_ITEMS_MS = 4_000;
const VAIN_SCROLLS = 3;
/** For all of one page. */
const PAGE_LIMIT_MS = 240_000;
/** An obstacle counts when it is still there after so many looks: pages show a lot while they are being built. */
const OBSTACLE_LOOKS = 3;

/**
 * Reads until there are `maxItems`, or nothing more comes. A page that says that there are no results is read to its
 * end; one that shows posts too is not asked about walls.
 * @throws ObstacleError; whatever the browser throws; the signal's reason
 */
export async function collect(options: CollectOptions): Promise<void> {
  const { clock, found, maxItems } = options;
  const deadline = clock.monotonic() + PAGE_LIMIT_MS;
  if (!await firstItems(options)) return;
  for (let vain = 0; vain < VAIN_SCROLLS && found.size < maxItems && clock.monotonic() < deadline;) {
    await options.page.run(scrollToEnd, null);
    vain = await moreItems(options) ? 0 : vain + 1;
  }
}

/** False when the page says that there is nothing. */
async function firstItems(options: CollectOptions): Promise<boolean> {
  const { clock, page, site } = options;
  const deadline = clock.monotonic() + FIRST_ITEMS_MS;
  let last: Obstacle | undefined;
  for (let looks = 1;;) {
    if (await look(options)) return true;
    const state = await ifAnswered(page.run(readState, MARKERS));
    const obstacle = state && obstacleOn(site.platform, state, site.isOwn);
    looks = obstacle !== undefined && obstacle === last ? looks + 1 : 1;
    last = obstacle;
    if (looks >= OBSTACLE_LOOKS || clock.monotonic() > deadline) {
      if (obstacle === "no_results") return false;
      if (obstacle !== undefined) throw new ObstacleError(obstacle);
      if (clock.monotonic() > deadline) throw new ObstacleError(state?.text ? "changed_page" : "not_loaded");
    }
    await pause(options);
  }
}

async function moreItems(options: CollectOptions): Promise<boolean> {
  const { clock, found } = options;
  const before = found.size;
  const deadline = clock.monotonic() + MORE_ITEMS_MS;
  do {
    await pause(options);
    await look(options);
    if (found.size > before) return true;
  } while (clock.monotonic() < deadline);
  return false;
}

/** Whether there is anything yet. Only pages of the platform itself are read. */
async function look({ page, site, found, clock, onCount }: CollectOptions): Promise<boolean> {
  const at = await ifAnswered(page.run(locate, null));
  const url = at && URL.parse(at.href);
  const read = url && site.isOwn(url) ? await ifAnswered(page.run(site.read, null)) : undefined;
  const items = (Array.isArray(read) ? read : []).flatMap((raw) =>
    researchItem(site.platform, raw, clock.now()) ?? []
  );
  mergeInto(found, items);
  onCount(found.size);
  return found.size > 0;
}

/** A page on its way to another one runs no scripts; the readers themselves stumble over nothing they find. */
async function ifAnswered<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PageScriptError) return undefined;
    throw error;
  }
}

async function pause({ clock, signal }: CollectOptions): Promise<void> {
  await clock.sleep(LOOK_EVERY_MS, signal);
  signal.throwIfAborted();
}
