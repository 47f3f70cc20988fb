import assert from "node:assert/strict";
import { given, withApp, withCloud } from "../lib/testing/blotato_bench.ts";
import { fails } from "../lib/testing/task_failure.ts";
import { blotatoApp } from "../lib/testing/blotato_service.ts";
import { type BlotatoSettings, blotatoUpload } from "./blotato_upload.ts";

Deno.test("a post scheduled for the past would appear at once, so it is refused", async () => {
  await withCloud({}, async ({ run, cloud }) => {
    await fails(run({ scheduled_time: "2025-12-31T00:00:00Z" }), /has passed/, { retry: false });
    assert.deepEqual(cloud.bodies("POST /posts"), []);
  });
});

Deno.test("the app comes first; while it does not answer the cloud service stands in", async () => {
  await withCloud({}, async ({ run, cloud, settings }) => {
    const app = blotatoApp();
    const both = { settings: { blotatoLocalUrl: app.url } };
    const text = { video_url: undefined, file: "film.mp4" };
    await run(text, both);
    assert.deepEqual(cloud.seen, []);
    await app[Symbol.asyncDispose]();
    await run(text, both);
    assert.equal(cloud.bodies("POST /posts").length, 1);
    await fails(
      run(text, { settings: { ...both.settings, blotatoApiKey: undefined } }),
      /app does not answer.*start it/,
      {
        retry: true,
      },
    );
    assert.deepEqual(await blotatoUpload({ ...settings, ...both.settings }).check(), { available: true });
  });
});

Deno.test("the check tells what is missing, and believes a key that worked for ten minutes", async () => {
  await withCloud({}, async ({ settings, cloud, clock }) => {
    const told = async (more: Partial<BlotatoSettings>, reason: RegExp, fix: RegExp) => {
      const answer = await blotatoUpload({ ...settings, ...more }).check();
      assert.ok(!answer.available);
      assert.match(answer.reason, reason);
      assert.match(answer.fix, fix);
    };
    await told({ blotatoApiKey: undefined }, /neither/, /set BLOTATO_LOCAL_URL or BLOTATO_API_KEY/);
    await told({ blotatoApiKey: "wrong" }, /status 401/, /check BLOTATO_API_KEY/);
    await told({ blotatoApiKey: "wrong key" }, /characters that no key has/, /correct BLOTATO_API_KEY/);
    const dead = blotatoApp();
    await dead[Symbol.asyncDispose]();
    await told(
      { blotatoApiKey: undefined, blotatoLocalUrl: dead.url },
      /does not answer/,
      /start the Blotato app/,
    );
    await told({ blotatoApiUrl: dead.url }, /cloud service does not answer/, /network/);
    const before = cloud.seen.length;
    const executor = blotatoUpload(settings, clock);
    for (let i = 0; i < 3; i++) assert.deepEqual(await executor.check(), { available: true });
    assert.equal(cloud.seen.length, before + 1);
    await clock.advance(10 * 60_000);
    await executor.check();
    assert.equal(cloud.seen.length, before + 2);
  });
  await withApp({}, async ({ settings }) => {
    assert.deepEqual(await blotatoUpload(settings).check(), { available: true, version: "1.2.3" });
  });
});

Deno.test("a dry run tells what would be posted, and sends nothing", async () => {
  await withCloud({}, async ({ settings, cloud }) => {
    const executor = blotatoUpload(settings);
    const lines = await executor.plan!(executor.input.parse(given));
    assert.match(lines.join("\n"), /post to tiktok \(account 98432\) through Blotato: hello/);
    assert.match(lines.join("\n"), /"privacyLevel":"SELF_ONLY"/);
    assert.deepEqual(cloud.seen, []);
    await assert.rejects(executor.plan!(executor.input.parse({ ...given, target: {} })), /privacyLevel/);
  });
});

Deno.test("the input takes one source and an account", () => {
  const { input } = blotatoUpload({ blotatoApiUrl: "https://api.example" } as BlotatoSettings);
  assert.equal(input.parse({ ...given, account_id: 98432 }).account_id, "98432");
  for (
    const bad of [
      { ...given, file: "film.mp4" },
      { ...given, account_id: "../me" },
      { ...given, platform: "myspace" },
      { ...given, scheduled_time: "tomorrow" },
      { ...given, scheduled_time: "2026-02-01T10:00:00" },
      { ...given, video_url: "ftp://x" },
      { ...given, target: { text: "x".repeat(20_000) } },
    ]
  ) assert.equal(input.safeParse(bad).success, false, JSON.stringify(bad).slice(0, 200));
});
