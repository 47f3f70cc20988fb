import assert from "node:assert/strict";
import { film, refusing, target, uncertain, url, withApp } from "../../lib/testing/blotato_bench.ts";
import { fails } from "../../lib/testing/task_failure.ts";

Deno.test("the film itself is handed over, then posted", async () => {
  await withApp({}, async ({ run, app }) => {
    const result = await run({ video_url: undefined, file: "film.mp4", title: "T" }) as Record<
      string,
      unknown
    >;
    assert.equal(result.post_id, "p1");
    assert.equal(result.post_url, url);
    const file = { name: "media.mp4", type: "video/mp4", bytes: film };
    assert.deepEqual(app.bodies("POST /api/upload"), [{ platform: "tiktok", account_id: "98432", file }]);
    const [post] = app.bodies("POST /api/post") as Record<string, unknown>[];
    assert.deepEqual(post, {
      platform: "tiktok",
      account_id: "98432",
      caption: "hello",
      title: "T",
      media_urls: ["app://media/1"],
      target: { ...target, title: "T" },
    });
  });
});

Deno.test("an address is fetched here, within the bounds of downloads", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response(film));
  try {
    await withApp({}, async ({ run, app }) => {
      const video_url = `http://127.0.0.1:${server.addr.port}/clip.mov?token=secret`;
      await run({ video_url });
      const [{ file }] = app.bodies("POST /api/upload") as { file: { name: string; bytes: Uint8Array } }[];
      assert.deepEqual([file.name, file.bytes], ["media.mov", film]);
      await fails(run({ video_url }, { settings: { maxDownloadBytes: 5 } }), /larger than 5 bytes/, {
        retry: false,
      });
      await fails(run({ video_url }, { settings: { allowPrivateUrls: false } }), /private address/, {
        retry: false,
      });
    });
  } finally {
    await server.shutdown();
  }
});

Deno.test("a status alone is no post, an error is a failure, an id is enough", async () => {
  const text = { video_url: undefined, platform: "twitter", target: {} };
  await withApp({ post: { status: "success" } }, async ({ run }) => {
    await fails(run(text), /told neither address nor id/, uncertain);
  });
  await withApp({ post: { success: true, error: "log in first", id: "p1" } }, async ({ run }) => {
    await fails(run(text), /twitter \(account 98432\): the Blotato app failed: log in first/, {
      retry: true,
    });
  });
  await withApp({ post: { status: "published", data: { id: 17 } } }, async ({ run }) => {
    assert.equal((await run(text) as { post_id: string }).post_id, "17");
  });
});

Deno.test("a pending post is followed in the app's status", async () => {
  const text = { video_url: undefined, platform: "twitter", target: {} };
  const done = { id: "p9", status: "published", post_url: "https://x.com/jane/status/1" };
  await withApp(
    { post: { id: "p9", status: "queued" }, states: [{ id: "p9", status: "queued" }, done] },
    async ({ run }) => {
      assert.equal((await run(text) as { post_url: string }).post_url, done.post_url);
    },
  );
  const failed = { id: "p9", status: "failed", message: "duplicate" };
  await withApp({ post: { id: "p9", status: "queued" }, states: [failed] }, async ({ run }) => {
    await fails(run(text), /failed: duplicate \(post p9\)/, { retry: false });
  });
});

Deno.test("a lost answer leaves the post in doubt, a refusal does not", async () => {
  const text = { video_url: undefined, platform: "twitter", target: {} };
  await withApp(
    { instead: (route) => route === "POST /api/post" ? "drop" : undefined },
    async ({ run, app }) => {
      await fails(run(text), /may have been made: the Blotato app's answer was lost/, uncertain);
      assert.equal(app.bodies("POST /api/post").length, 1);
    },
  );
  await withApp(refusing("POST /api/post", 500), async ({ run }) => {
    await fails(run(text), /may have been made: the Blotato app answered 500/, uncertain);
  });
  await withApp(refusing("POST /api/post", 400), async ({ run }) => {
    await fails(run(text), /the Blotato app answered 400/, { retry: false });
  });
  await withApp(refusing("POST /api/upload", 507), async ({ run }) => {
    await fails(run({ video_url: undefined, file: "film.mp4" }), /did not take the file: status 507/, {
      retry: true,
    });
  });
});
