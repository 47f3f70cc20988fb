/** The task type `safari_research`: reads what TikTok, Instagram and YouTube show for a search, a hashtag or as trending. */
import { type Clock, systemClock } from "../lib/clock.ts";
import { type ExecutionContext, type Executor, TaskError } from "../lib/task/task.ts";
import { type Browser, BrowserError } from "./browser/browser.ts";
import { type BrowserSettings, chooseBrowser } from "./browser/choose.ts";
import { type Platform, type ResearchInput, researchInput, targetOf } from "./research/input.ts";
import type { ResearchItem } from "./research/item.ts";
import { fairShare, thatFit } from "./research/merge.ts";
import { mayPass } from "./research/obstacle.ts";
import { type PlatformError, type PlatformOutcome, researchPlatform } from "./research/platform_run.ts";
import { PUBLIC_SITES, researchPage, type SiteAddresses } from "./research/sites.ts";
import { resultFolder } from "./task_files.ts";

/** What the executor needs of the configuration. */
export interface ResearchSettings extends BrowserSettings {
  readonly outputDir: string;
  /** The largest output of a task, in bytes of JSON; what does not fit is left out and said so. */
  readonly maxOutputBytes: number;
}

/** What the executor stands on; tests put their own pages and browsers there. */
export interface ResearchSurroundings {
  readonly sites: SiteAddresses;
  readonly browser: Browser;
  readonly clock: Clock;
}

/** A finished task's answer. */
export interface ResearchResult {
  readonly items: ResearchItem[];
  /** Those that could be read, also when they had nothing. */
  readonly platforms_scraped: Platform[];
  readonly item_count: number;
  /** Only when items were left out because the output would have been too large. */
  readonly items_left_out?: number;
  readonly scraped_at: string;
  readonly errors: PlatformError[];
}

/** Makes the executor; nothing is run yet. */
export function safariResearch(
  settings: ResearchSettings,
  surroundings: Partial<ResearchSurroundings> = {},
): Executor<ResearchInput, ResearchResult> {
  const all: ResearchSurroundings = {
    sites: surroundings.sites ?? PUBLIC_SITES,
    browser: surroundings.browser ?? chooseBrowser(settings),
    clock: surroundings.clock ?? systemClock,
  };
  return {
    type: "safari_research",
    description:
      "reads posts of TikTok, Instagram and YouTube in a browser: by search, by hashtag, or trending",
    input: researchInput,
    check: () => all.browser.check(),
    plan: (input) => Promise.resolve(planOf(input, all)),
    run: (input, context) => research(input, settings, all, context),
  };
}

function planOf(input: ResearchInput, { sites, browser }: ResearchSurroundings): string[] {
  return [
    ...input.platforms.map((platform) => {
      const { url } = researchPage(platform, targetOf(input), sites);
      return `reads posts from ${url} with ${browser.name}`;
    }),
    `keeps at most ${input.max_items} of them, each once`,
  ];
}

async function research(
  input: ResearchInput,
  settings: ResearchSettings,
  { sites, browser, clock }: ResearchSurroundings,
  context: ExecutionContext,
): Promise<ResearchResult> {
  const { platforms, max_items: maxItems } = input;
  const outcomes: PlatformOutcome[] = [];
  for (const [index, platform] of platforms.entries()) {
    const onCount = (count: number) =>
      context.progress({
        percent: Math.floor(100 * (index + Math.min(1, count / maxItems)) / platforms.length),
        message: `${platform}: ${count} posts`,
      });
    onCount(0);
    outcomes.push(
      await researchPlatform({
        browser,
        site: researchPage(platform, targetOf(input), sites),
        maxItems, // of each: where one platform has little, the others fill its place
        context,
        clock,
        folder: () => resultFolder(settings.outputDir, context.task.id),
        onCount,
      }).catch((error) => {
        throw browserMissing(error);
      }),
    );
  }
  return resultOf(input, outcomes, settings.maxOutputBytes, clock);
}

/** The machine lost a capability: another one may have it. */
function browserMissing(error: unknown): unknown {
  return error instanceof BrowserError
    ? new TaskError(`Cannot research: ${error.message}`, { retry: true, cause: error })
    : error;
}

function resultOf(
  { platforms, max_items: maxItems }: ResearchInput,
  outcomes: readonly PlatformOutcome[],
  maxOutputBytes: number,
  clock: Clock,
): ResearchResult {
  const errors = outcomes.flatMap(({ error }) => error ?? []);
  const scraped = platforms.filter((_, index) => {
    const { error, items } = outcomes[index]!;
    return error === undefined || items.length > 0;
  });
  if (scraped.length === 0) throw nothingRead(errors);
  const items = fairShare(outcomes.map((outcome) => outcome.items), maxItems);
  const kept = thatFit(items, Math.floor(maxOutputBytes * 0.9)); // the rest is for errors and addresses of files
  return {
    items: kept,
    platforms_scraped: scraped,
    item_count: kept.length,
    ...kept.length < items.length && { items_left_out: items.length - kept.length },
    scraped_at: new Date(clock.now()).toISOString(),
    errors,
  };
}

function nothingRead(errors: readonly PlatformError[]): TaskError {
  const reasons = errors.map(({ platform, reason, message }) => `${platform}: ${reason}, ${message}`).join(
    "; ",
  );
  const files = errors.flatMap(({ screenshot, html }) =>
    [screenshot, html].filter((file) => file !== undefined)
  );
  return new TaskError(`No platform could be read: ${reasons}`, {
    retry: errors.some(({ reason }) => mayPass(reason)),
    ...files.length > 0 && { logTail: ["kept:", ...files].join("\n") },
  });
}
