import assert from "node:assert/strict";
import { join } from "node:path";
import { exists, post, uploadTest } from "../../lib/testing/safari_upload_bench.ts";
import { fails } from "../../lib/testing/task_failure.ts";
import { until } from "../../lib/testing/until.ts";
import { safariUpload } from "../safari_upload.ts";

uploadTest("a pretty-printed result is understood", { mode: "pretty" }, async ({ run }) => {
  assert.equal((await run()).post_url, post);
});

uploadTest("the result decides, not the exit code", { mode: "good-exit-1" }, async ({ run }) => {
  assert.equal((await run()).post_url, post);
});

uploadTest(
  "a program that crashes before it posts is started once more",
  { mode: "crash-once" },
  async (bench) => {
    assert.equal((await bench.run()).post_url, post);
    assert.equal(await bench.record("argv.2"), await bench.record("argv.1"));
    assert.ok(bench.attempt.progress.some(({ message }) => message?.includes("once more")));
  },
);

uploadTest("a program that crashes twice fails the attempt", { mode: "crash" }, async ({ run, records }) => {
  await fails(run(), /killed by SIGKILL.*: opening the page/, { retry: true });
  assert.ok(await exists(join(records, "argv.2")));
  assert.equal(await exists(join(records, "argv.3")), false);
});

uploadTest("an exit code with no result counts as a crash, unless it says that the call is wrong", {
  mode: "exit-1",
}, async ({ run, records, settings, options, attempt }) => {
  await fails(run(), /exited with status 1: Safari quit/, { retry: true });
  assert.ok(await exists(join(records, "argv.2")));
  const { args } = settings.safariUploaders.tiktok!;
  const uploader = { program: "sh", args: [args[0], records, "usage", ...args.slice(3)], env: [] };
  const executor = safariUpload({ ...settings, safariUploaders: { tiktok: uploader } }, options);
  await Deno.remove(join(attempt.context.tempDir, "video.mp4"));
  const input = executor.input.parse({ platform: "tiktok", file: "good.mp4", caption: "" });
  await fails(executor.run(input, attempt.context), /status 2: unknown option/, { retry: false });
  assert.equal(await exists(join(records, "argv.4")), false);
});

uploadTest("after a program has begun to post, a crash is not repeated but put to a person", {
  mode: "crash-posting",
}, async ({ run, records }) => {
  await fails(run(), /SIGKILL.*after it had begun to post/, {
    retry: false,
    uncertain: true,
  });
  assert.equal(await exists(join(records, "argv.2")), false);
});

for (
  const [mode, message] of [
    ["only-status", /no proof.*neither the address nor the id/],
    ["foreign", /no proof.*neither the address nor the id/],
    ["no-result", /exited with status 0 without a line `Result: \{json\}`/],
    ["broken-result", /its result is no JSON/],
    ["error-posting", /failed: no address, after it had begun to post/],
  ] as const
) {
  uploadTest(
    `an end that proves neither the post nor its absence is put to a person: ${mode}`,
    { mode },
    async ({ run }) => {
      await fails(run(), message, { retry: false, uncertain: true });
    },
  );
}

for (
  const [mode, message] of [["stub", /only pretended to post \(stub\)/], [
    "error",
    /failed: not logged in/,
  ]] as const
) {
  uploadTest(
    `a result that tells of a failure is one, and may be tried again: ${mode}`,
    { mode },
    async (bench) => {
      await fails(bench.run(), message, { retry: true });
      assert.equal(await exists(join(bench.records, "argv.2")), false);
    },
  );
}

for (
  const [mode, message, more] of [
    ["ignore-term", /stopped after its limit of 1.5 s \(SAFARI_UPLOAD_TIMEOUT_SECONDS\): opening the page/, {
      retry: true,
    }],
    ["hang-posting", /stopped after its limit.*after it had begun to post/, {
      retry: false,
      uncertain: true,
    }],
    ["hang-silently", /had not told how far it was/, { retry: false, uncertain: true }],
  ] as const
) {
  uploadTest(
    `a program that hangs is killed: ${mode}`,
    { mode, settings: { safariUploadSeconds: 1.5 } },
    async (bench) => {
      await fails(bench.run(), message, more);
      assert.equal(await exists(join(bench.records, "argv.2")), false);
    },
  );
}

for (
  const [mode, message, more] of [
    ["hang", /was stopped: opening the page$/, { retry: true }],
    ["hang-posting", /was stopped: clicking the Post button, after it had begun/, {
      retry: false,
      uncertain: true,
    }],
  ] as const
) {
  const stop = new AbortController();
  uploadTest(`a stop ends the program, and tells whether the post may be there: ${mode}`, {
    mode,
    context: { signal: stop.signal },
  }, async ({ run, records }) => {
    const failed = fails(run(), message, more);
    await until(
      "the program hangs",
      () => [...Deno.readDirSync(records)].some(({ name }) => name === "hangs"),
    );
    stop.abort(new Error("cancelled"));
    await failed;
  });
}
