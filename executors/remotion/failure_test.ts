import assert from "node:assert/strict";
import type { RunResult } from "../../lib/process.ts";
import { isFinalMessage, remotionFailure } from "./failure.ts";
import type { MemoryFigures } from "./memory.ts";

const NOTICES = [
  "Detected differing memory amounts:",
  "Memory reported by CGroup: 8796093018982.84 MB",
  "Using the lower amount of memory for calculation.",
];
const MEMORY: MemoryFigures = { totalBytes: 8 * 2 ** 30, lowestAvailableBytes: 2 ** 29, oomKills: 0 };

/** Output as Remotion 4.0 printed it. */
function failure(
  { out = [], err = [], memory = MEMORY, ...result }: Partial<RunResult> & {
    out?: string[];
    err?: string[];
    memory?: MemoryFigures;
  },
) {
  return remotionFailure({
    composition: "Film",
    memory,
    timeoutSeconds: 600,
    lastProgress: "rendered 12 of 150 frames",
    result: {
      code: 1,
      signal: null,
      stdoutTail: out,
      stderrTail: [...NOTICES, ...err],
      durationMs: 1,
      aborted: false,
      timedOut: false,
      ...result,
    },
  });
}

Deno.test("an unknown composition fails for good and names those that there are", () => {
  const error = failure({
    out: ["An error occurred:", "", "at node_modules/@remotion/studio/dist/esm/renderEntry.mjs:319"],
    err: [" Error  Error: Could not find composition with ID Nope. Available compositions: Film"],
  });
  assert.equal(
    error.message,
    "Remotion cannot render Film: Could not find composition with ID Nope. Available compositions: Film",
  );
  assert.equal(error.retry, false);
});

Deno.test("what the composition throws for its props fails for good, with frame and place", () => {
  const error = failure({
    out: [
      "An error occurred while rendering frame 0:",
      "",
      "at src/film.jsx:6",
      "6 │ throw",
      "at f (node_modules/x.js:1)",
    ],
    err: [" TypeError  title must be text"],
  });
  assert.equal(error.message, "Remotion cannot render Film: title must be text (frame 0, src/film.jsx:6)");
  assert.equal(error.retry, false);
  assert.match(error.logTail!, /An error occurred while rendering frame 0/);
});

Deno.test("options that do not suit the composition fail for good", () => {
  const message =
    'The "durationInFrames" of the <Composition /> was evaluated to be 30, but frame range 0-500 is not inbetween 0-29';
  assert.equal(failure({ err: [`Error: ${message}`] }).retry, false);
  assert.equal(
    failure({ err: ["TypeError: CRF must be between 1 and 51 for codec h264. Passed: 90"] }).retry,
    false,
  );
});

Deno.test("trouble with the network, the disk or time is worth another try, also when the page threw it", () => {
  const thrown = [
    "Failed to fetch https://a.b/c",
    'A delayRender() "x" was called but not cleared after 28000ms. See https://remotion.dev/docs/timeout for help.',
    "Error loading image with src: http://a.b/x.png",
  ];
  for (const message of thrown) {
    const error = failure({
      out: ["An error occurred while rendering frame 3:"],
      err: [` Error  ${message}`],
    });
    assert.equal(error.retry, true, message);
  }
  assert.equal(failure({ err: ["Error: ENOSPC: no space left on device, write"] }).retry, true);
});

Deno.test("queries of URLs, which may hold keys, are left out of message and log", () => {
  const error = failure({ err: [" Error  Failed to fetch https://a.b/c?token=secret#x (twice)"] });
  assert.equal(error.message, "Remotion cannot render Film: Failed to fetch https://a.b/c (twice)");
  assert.doesNotMatch(error.logTail!, /secret/);
});

Deno.test("a project that cannot be bundled is told with the place, and may be mended meanwhile", () => {
  const error = failure({
    err: [
      "Error: Module build failed (from ./node_modules/@remotion/bundler/dist/esbuild-loader/index.js):",
      "Error: Transform failed with 1 error:",
      '/p/src/film.jsx:15:10: ERROR: Unexpected ";"',
    ],
  });
  assert.equal(error.message, 'Remotion cannot render Film: Unexpected ";" (/p/src/film.jsx:15:10)');
  assert.equal(error.retry, true);
  const missing = failure({
    err: ["Error: Module not found: Error: Can't resolve 'x' in '/p/src'", "  Parsed request"],
  });
  assert.match(missing.message, /Module not found: Error: Can't resolve 'x'/);
});

Deno.test("a kill is told apart from a render error, with the figures of memory", () => {
  const error = failure({ code: null, signal: "SIGKILL", err: ["Error: something before"] });
  assert.match(error.message, /it was killed \(SIGKILL\), by the system for lack of memory or by somebody/);
  assert.match(
    error.message,
    /lower REMOTION_CONCURRENCY.*\(memory: 0\.5 of 8\.0 GB available at the least\)$/,
  );
  assert.equal(error.retry, true);
});

Deno.test("a kill by a system out of memory is told as one, when the system counted it", () => {
  const memory = { ...MEMORY, oomKills: 1, limitBytes: 2 ** 31, peakBytes: 2 ** 31 };
  const error = failure({ code: null, signal: "SIGKILL", memory });
  assert.match(error.message, /killed \(SIGKILL\), by the system, which ran out of memory/);
  assert.match(error.message, /control group's limit 2\.0 GB, the render's peak about 2\.0 GB/);
  assert.match(failure({ memory, err: ["Error: odd"] }).message, /ran out of memory and killed a part of it/);
});

Deno.test("a shell between that tells the kill as a number does not hide it", () => {
  assert.match(failure({ code: 137 }).message, /SIGKILL/);
  assert.match(failure({ code: 143 }).message, /killed by SIGTERM/);
});

Deno.test("Node's own limit of memory is told as such", () => {
  const error = failure({
    code: null,
    signal: "SIGABRT",
    err: ["FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"],
  });
  assert.match(error.message, /it ran out of memory; .*\(memory: /);
  assert.equal(error.retry, true);
});

Deno.test("a browser or an encoder that was killed is told as such", () => {
  const crashed = failure({
    err: ["Error: Page crashed!", "    at #onTargetCrashed (BrowserPage.js:246:28)"],
  });
  assert.match(crashed.message, /its browser crashed or was killed, by the system.*memory: /);
  const encoder = failure({
    err: ["Error: FFmpeg quit with code 1 (signal SIGKILL) while piping frame 12. Stderr: ff"],
  });
  assert.match(encoder.message, /its encoder was killed \(SIGKILL\), by the system.*memory: /);
  const compositor = failure({ err: ["Error: Compositor quit with signal SIGKILL"] });
  assert.match(compositor.message, /its encoder was killed \(SIGKILL\)/);
  for (const error of [crashed, encoder, compositor]) assert.equal(error.retry, true);
});

Deno.test("a render over its time limit tells how far it was, and whether its browser had crashed", () => {
  const error = failure({ code: null, signal: "SIGTERM", timedOut: true });
  assert.match(
    error.message,
    /longer than its limit of 600 s, when it had rendered 12 of 150 frames \(raise REMOTION_/,
  );
  assert.equal(error.retry, true);
  const crashed = failure({
    code: null,
    signal: "SIGTERM",
    timedOut: true,
    err: ["The browser crashed while rendering frame 12, retrying 1 more times."],
  });
  assert.match(crashed.message, /its browser crashed and it did not go on before its time limit.*memory: /);
});

Deno.test("what says nothing is told by how it ended", () => {
  const error = failure({ code: 7 });
  assert.equal(error.message, "Remotion cannot render Film: it exited with status 7");
  assert.equal(error.retry, true);
});

Deno.test("a render service's message is final when it is about the composition", () => {
  assert.equal(isFinalMessage("Error: Could not find composition with ID X"), true);
  assert.equal(isFinalMessage("worker died"), false);
});
