/** From what a task asks to the arguments of `remotion render`. Pure. */
import { crfFor } from "./codec.ts";
import type { RemotionInput } from "./input.ts";

/** What the arguments need besides the input. All paths are absolute. */
export interface RenderPlace {
  /** The entry file; Remotion finds it by itself unless told. */
  readonly entry?: string;
  readonly output: string;
  readonly propsFile: string;
  readonly browser: string;
  /** The owner's limit of frames at once. */
  readonly concurrency?: number;
  readonly cores: number;
}

/** The argument list, from `render` on (https://www.remotion.dev/docs/cli/render). */
export function renderArguments(input: RemotionInput, place: RenderPlace): string[] {
  const concurrency = concurrencyFor(input, place);
  const crf = crfFor(input.codec, input.platform, input.crf);
  return [
    "render",
    ...place.entry === undefined ? [] : [place.entry],
    input.composition,
    place.output,
    `--props=${place.propsFile}`,
    `--codec=${input.codec}`,
    ...crf === undefined ? [] : [`--crf=${crf}`],
    ...concurrency === undefined ? [] : [`--concurrency=${concurrency}`],
    ...input.scale === undefined ? [] : [`--scale=${input.scale}`],
    ...input.frames === undefined ? [] : [`--frames=${input.frames.join("-")}`],
    ...input.muted ? ["--muted"] : [],
    // Named even where Remotion would find it: so it never begins to download one.
    `--browser-executable=${place.browser}`,
    `--chrome-mode=${isHeadlessShell(place.browser) ? "headless-shell" : "chrome-for-testing"}`,
    "--log=info",
    "--overwrite",
  ];
}

/** Remotion refuses more than there are cores. */
function concurrencyFor({ concurrency: wanted }: RemotionInput, place: RenderPlace): number | undefined {
  const asked = [wanted, place.concurrency].filter((value) => value !== undefined);
  return asked.length === 0 ? undefined : Math.min(...asked, place.cores);
}

/** Chrome's old headless mode lives on as a program of its own; all other Chromes have only the new one. */
function isHeadlessShell(browser: string): boolean {
  return /headless[-_]shell[^/]*$/.test(browser);
}
