import assert from "node:assert/strict";
import { join } from "node:path";
import { withMachineLock } from "../lib/process/machine_lock.ts";
import { safariService } from "../lib/testing/safari_service.ts";
import { exists, post, uploadTest } from "../lib/testing/safari_upload_bench.ts";
import { fails } from "../lib/testing/task_failure.ts";
import { until } from "../lib/testing/until.ts";
import { safariUpload, type SafariUploadSettings } from "./safari_upload.ts";

uploadTest(
  "a film is posted by the person's own program, which is given exactly its arguments",
  {},
  async (bench) => {
    const caption = 'a "b" $(id) {title}\n--platform youtube';
    const result = await bench.run({ caption, title: "T", hashtags: ["one"] });
    assert.deepEqual({ ...result, published_at: "" }, {
      platform: "tiktok",
      post_url: post,
      post_id: "7345678901234567890",
      published_at: "",
    });
    assert.ok(Math.abs(Date.parse(result.published_at) - Date.now()) < 60_000);
    const file = join(bench.attempt.context.tempDir, "video.mp4");
    const args = ["--video", file, "--caption", `${caption}\n\n#one`, "--title", "T"];
    assert.equal(await bench.record("argv.1"), args.map((argument) => `${argument}\0`).join(""));
    assert.equal(await bench.record("stdin.1"), "");
    const good = await Deno.readFile(join(bench.settings.inputRoots[0], "good.mp4"));
    assert.deepEqual(await Deno.readFile(join(bench.records, "video.1")), good);
  },
);

uploadTest("the act is asked for before anything is fetched, and done once", {}, async ({ run, attempt }) => {
  await run({ account: "jane", approval: "required" });
  assert.equal(attempt.asked.length, 2);
  assert.deepEqual(attempt.asked[0], attempt.asked[1]);
  assert.deepEqual(attempt.performed, [{
    kind: "post",
    platform: "tiktok",
    account: "jane",
    alwaysAsk: true,
    summary: "post a video to TikTok as jane: hello",
    preview: { video: "good.mp4", caption: "hello" },
  }]);
});

uploadTest("without a person's word nothing is fetched and nothing runs", {
  context: { refuse: () => new Error("waits for approval") },
}, async ({ run, attempt, records }) => {
  await assert.rejects(run(), /waits for approval/);
  assert.deepEqual(attempt.performed, []);
  assert.deepEqual([...Deno.readDirSync(attempt.context.tempDir)], []);
  assert.equal(await exists(join(records, "argv.1")), false);
});

uploadTest(
  "a film is downloaded, and its signature shown to nobody",
  {},
  async ({ run, attempt, settings, record }) => {
    const film = await Deno.readFile(join(settings.inputRoots[0], "good.mp4"));
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response(film));
    try {
      await run({ file: undefined, video_url: `http://127.0.0.1:${server.addr.port}/v.mp4?token=secret` });
    } finally {
      await server.shutdown();
    }
    assert.ok(await record("video.1"));
    assert.doesNotMatch(JSON.stringify([attempt.asked, attempt.progress]), /secret/);
  },
);

uploadTest("films that the platform does not take are refused with every reason, and not posted", {
  platforms: ["tiktok", "instagram", "youtube"],
}, async ({ run, attempt }) => {
  const refused = async (input: Record<string, unknown>, message: RegExp) => {
    for (const entry of Deno.readDirSync(attempt.context.tempDir)) {
      await Deno.remove(join(attempt.context.tempDir, entry.name));
    }
    await fails(run(input), message, { retry: false });
  };
  await refused(
    { file: "small.mp4" },
    /TikTok does not take this video: .*lasts 0.5 s.*160x120.*10 frames a second/,
  );
  await refused({ file: "film.mkv" }, /container is matroska/);
  await refused({ file: "old.mp4" }, /coded as mpeg4/);
  await refused({ file: "tone.m4a" }, /no picture/);
  await refused({ file: "text.mp4" }, /ffprobe: /);
  await refused({ file: "../secret" }, /no file/);
  await refused(
    { platform: "instagram", file: "small.mp4" },
    /Instagram does not take this video: .*not 3 to 900 s/,
  );
  assert.deepEqual(attempt.performed, []);
});

uploadTest(
  "text that the platform does not take is refused before a person is asked",
  {},
  async ({ run, attempt }) => {
    await fails(run({ caption: "x".repeat(3_000) }), /TikTok does not take this text: .*3000 characters/, {
      retry: false,
    });
    assert.deepEqual(attempt.asked, []);
  },
);

uploadTest("a platform without a program or service fails with the setting to set", {}, async ({ run }) => {
  await fails(run({ platform: "youtube" }), /post to YouTube; set safariUploaders.youtube in config.json/, {
    retry: false,
  });
});

uploadTest("a program that is not there fails the attempt, not the post", {
  settings: { safariUploaders: { tiktok: { program: "/nowhere/poster", args: ["{file}"], env: [] } } },
}, async ({ run }) => {
  await fails(run(), /cannot run \/nowhere\/poster/, { retry: true });
});

uploadTest(
  "one Safari automation runs at a time on the machine",
  {},
  async ({ run, options, records, attempt }) => {
    const never = new AbortController().signal;
    let running: Promise<unknown> | undefined;
    await withMachineLock("safari", never, async () => {
      running = run();
      await until(
        "it waits",
        () => attempt.progress.some(({ message }) => /waiting for another/.test(message ?? "")),
      );
      assert.equal(await exists(join(records, "argv.1")), false);
      assert.deepEqual(attempt.performed, []);
    }, { folder: options.lockFolder });
    await running;
    assert.ok(await exists(join(records, "argv.1")));
  },
);

uploadTest("where no program is configured, the local Safari command service posts", {
  platforms: [],
}, async ({ settings, options, attempt }) => {
  await using service = safariService({ states: [{ status: "SUCCEEDED", result: { post_url: post } }] });
  const executor = safariUpload({ ...settings, safariServiceUrl: service.url }, options);
  assert.deepEqual(await executor.check(), { available: true });
  const input = executor.input.parse({
    platform: "tiktok",
    file: "good.mp4",
    caption: "hi",
    account: "jane",
  });
  assert.match((await executor.plan!(input)).join("\n"), /Safari command service at http/);
  assert.equal((await executor.run(input, attempt.context)).post_url, post);
  const video_path = join(attempt.context.tempDir, "video.mp4");
  const payload = { platform: "tiktok", video_path, caption: "hi", account: "jane" };
  assert.deepEqual(service.commands, [{ type: "upload.tiktok", payload }]);
});

uploadTest(
  "a service that does not answer makes the type unavailable",
  { platforms: [] },
  async ({ settings }) => {
    const service = safariService({ instead: () => new Response("", { status: 502 }) });
    const executor = safariUpload({ ...settings, safariServiceUrl: service.url });
    const reason = async () => {
      const answer = await executor.check();
      return answer.available ? "" : answer.reason;
    };
    assert.match(await reason(), /answers with status 502/);
    await service[Symbol.asyncDispose]();
    assert.match(
      await reason(),
      /does not answer \(.*(refused|reset).*\); start it or check SAFARI_SERVICE_URL/,
    );
  },
);

uploadTest(
  "the check says which programs and tools are missing, and what to do",
  {},
  async ({ settings }) => {
    const check = (more: Partial<SafariUploadSettings>) => safariUpload({ ...settings, ...more }).check();
    const poster = (program: string, args = ["{file}"]) => ({ program, args, env: [] });
    assert.ok((await check({})).available);
    const told = async (more: Partial<SafariUploadSettings>, reason: RegExp, fix: RegExp) => {
      const answer = await check(more);
      assert.ok(!answer.available);
      assert.match(answer.reason, reason);
      assert.match(answer.fix, fix);
    };
    await told(
      { safariUploaders: {} },
      /no upload program and no Safari command service/,
      /SAFARI_SERVICE_URL/,
    );
    await told(
      { safariUploaders: { tiktok: poster("/nowhere/a"), youtube: poster("sh", ["x"]) } },
      /tiktok: \/nowhere\/a was not found; no upload .* configured; safariUploaders.youtube: its args do not name \{file\}/,
      /config.json/,
    );
    await told({ ffprobePath: "/nowhere/ffprobe" }, /videos cannot be checked/, /FFPROBE_PATH/);
  },
);

uploadTest(
  "tasks for platforms that this machine cannot post to are left to others, which is said with the reason",
  {},
  async ({ settings }) => {
    const check = (more: Partial<SafariUploadSettings>) => safariUpload({ ...settings, ...more }).check();
    const poster = (program: string) => ({ program, args: ["{file}"], env: [] });
    assert.deepEqual(await check({}), {
      available: true,
      except: {
        field: "platform",
        values: ["instagram", "youtube"],
        reason: "no upload program and no Safari command service is configured",
        fix: "set safariUploaders in config.json, or SAFARI_SERVICE_URL",
      },
    });
    const partly = await check({ safariUploaders: { tiktok: poster("/nowhere/a"), youtube: poster("sh") } });
    assert.ok(partly.available && partly.except);
    assert.deepEqual(partly.except.values, ["tiktok", "instagram"]);
    assert.match(partly.except.reason, /tiktok: \/nowhere\/a was not found; no upload program/);
    await using service = safariService();
    assert.deepEqual(await check({ safariServiceUrl: service.url }), { available: true });
  },
);

uploadTest(
  "a dry run tells the steps and the command line, and does nothing",
  {},
  async ({ settings, records }) => {
    const executor = safariUpload(settings);
    const input = executor.input.parse({ platform: "tiktok", file: "good.mp4", caption: "hi", title: "T" });
    const lines = await executor.plan!(input);
    assert.match(lines.join("\n"), /approval to post to TikTok/);
    assert.match(lines.join("\n"), /"--video" "VIDEO" "--caption" "hi" "--title" "T"/);
    assert.equal(await exists(join(records, "argv.1")), false);
    await assert.rejects(executor.plan!({ ...input, platform: "youtube" }), /nothing is configured/);
  },
);
