import assert from "node:assert/strict";
import type { ExecutionContext } from "../../lib/task/task.ts";
import { film, given, refusing, target, uncertain, url, withCloud } from "../../lib/testing/blotato_bench.ts";
import { fails } from "../../lib/testing/task_failure.ts";
import type { BlotatoOptions } from "../../lib/testing/blotato_service.ts";
import { driveClock } from "../../lib/testing/drive_clock.ts";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { blotatoUpload } from "../blotato_upload.ts";

Deno.test("a film is handed over, posted once and followed until it is published", async () => {
  const states = [{ status: "in-progress" }, { status: "in-progress" }, {
    status: "published",
    publicUrl: url,
  }];
  await withCloud({ states }, async ({ run, cloud, clock, attempt }) => {
    assert.deepEqual(await run(), {
      platform: "tiktok",
      post_id: "submission-1",
      post_url: url,
      published_at: new Date(clock.now()).toISOString(),
    });
    const mediaUrls = [`https://database.blotato.io/${encodeURIComponent(given.video_url)}`];
    const content = { text: "hello", mediaUrls, platform: "tiktok" };
    assert.deepEqual(cloud.bodies("POST /posts"), [{ post: { accountId: "98432", content, target } }]);
    assert.equal(cloud.bodies("GET /posts/submission-1").length, 3);
    assert.deepEqual(attempt.performed, [{
      kind: "post",
      platform: "tiktok",
      account: "98432",
      alwaysAsk: false,
      summary: "post to tiktok (account 98432) through Blotato: hello",
      preview: { caption: "hello", media: ["https://cdn.example/v.mp4"], target },
    }]);
    assert.deepEqual(attempt.asked, [attempt.performed[0], attempt.performed[0]]);
  });
});

Deno.test("nothing is sent before a person has agreed", async () => {
  await withCloud({}, async ({ run, cloud, attempt }) => {
    const refuse = () => Promise.reject(new Error("waits for approval"));
    const outward = { ask: refuse, perform: refuse };
    await assert.rejects(run({}, { context: { outward } }), /waits for approval/);
    assert.deepEqual(cloud.seen, []);
    assert.deepEqual(attempt.performed, []);
  });
});

Deno.test("a local file goes to the address that Blotato makes for it, without the key", async () => {
  await withCloud({}, async ({ run, cloud }) => {
    await run({ video_url: undefined, file: "film.mp4" });
    const put = cloud.seen.find(({ method }) => method === "PUT");
    assert.deepEqual(put?.body, film);
    assert.equal(put?.headers.get("content-type"), "video/mp4");
    const [{ post }] = cloud.bodies("POST /posts") as { post: { content: { mediaUrls: string[] } } }[];
    assert.deepEqual(post.content.mediaUrls, ["https://database.blotato.io/media.mp4"]);
    await fails(run({ video_url: undefined, file: "../other.mp4" }), /no file/, { retry: false });
  });
});

Deno.test("a scheduled post ends when Blotato has it in its plan", async () => {
  const scheduled_time = "2026-02-01T10:00:00+01:00";
  const states = [{ status: "in-progress" }, {
    status: "scheduled",
    scheduledTime: "2026-02-01T09:00:00.000Z",
  }];
  await withCloud({ states }, async ({ run, cloud }) => {
    assert.deepEqual(await run({ scheduled_time }), {
      platform: "tiktok",
      post_id: "submission-1",
      scheduled_for: "2026-02-01T09:00:00.000Z",
    });
    assert.equal((cloud.bodies("POST /posts")[0] as { scheduledTime: string }).scheduledTime, scheduled_time);
  });
  await withCloud({ states: [{ status: "in-progress" }] }, async ({ run }) => {
    assert.deepEqual(await run({ scheduled_time }), {
      platform: "tiktok",
      post_id: "submission-1",
      scheduled_for: scheduled_time,
    });
  });
});

Deno.test("an account that the key does not have is told with those that it has, before anything is sent", async () => {
  await withCloud({}, async ({ run, cloud }) => {
    await fails(run({ account_id: 7 }), /tiktok \(account 7\): .*no such account: it has 98432 \(jane\)/, {
      retry: false,
    });
    assert.deepEqual(cloud.bodies("POST /media"), []);
  });
});

Deno.test("refusals name account, platform, reason and what to do", async () => {
  const cases = [
    [
      "GET /users/me/accounts",
      401,
      /tiktok \(account 98432\): Blotato answered 401: no \(check BLOTATO_API_KEY\)/,
    ],
    ["POST /media", 413, /413.*too large for the Blotato plan/],
    ["POST /posts", 422, /Blotato answered 422: no/],
    ["POST /posts", 302, /Blotato answered 302/],
  ] as const;
  for (const [route, status, message] of cases) {
    await withCloud(refusing(route, status), async ({ run, cloud }) => {
      await fails(run(), message, { retry: false });
      assert.equal(cloud.bodies(route).length, 1, "a refusal is not repeated");
    });
  }
});

Deno.test("a post that the platform refused has failed for good", async () => {
  await withCloud({ states: [{ status: "failed", errorMessage: "spam risk" }] }, async ({ run }) => {
    await fails(
      run(),
      /tiktok \(account 98432\): the platform did not take it: spam risk \(post submission-1/,
      {
        retry: false,
      },
    );
  });
});

Deno.test("429 is obeyed with Retry-After, or with growing pauses, and the post is made once", async () => {
  const tooMany = (headers: HeadersInit) =>
    Response.json({ statusCode: 429, message: "Rate limit exceeded" }, { status: 429, headers });
  const instead: BlotatoOptions["instead"] = (route, count) =>
    route === "POST /posts" && count < 3 ? tooMany(count === 1 ? { "retry-after": "40" } : {}) : undefined;
  await withCloud({ instead }, async ({ run, cloud, clock }) => {
    const before = clock.monotonic();
    await run();
    assert.ok(clock.monotonic() - before >= 40_000 + 8_000, `only ${clock.monotonic() - before} ms passed`);
    assert.equal(cloud.bodies("POST /posts").length, 3);
  });
  const always = (route: string) => route === "POST /media" ? tooMany({}) : undefined;
  await withCloud({ instead: always }, async ({ run, cloud }) => {
    await fails(run(), /429: too many requests, try again in/, { retry: true });
    assert.equal(cloud.bodies("POST /media").length, 6);
  });
  await withCloud({
    instead: (route) => route === "POST /posts" ? tooMany({ "retry-after": "3600" }) : undefined,
  }, async ({ run, cloud }) => {
    await fails(run(), /try again in 3600 s/, { retry: true });
    assert.equal(cloud.bodies("POST /posts").length, 1);
  });
});

Deno.test("requests that change nothing are repeated after a server's error or a lost answer", async () => {
  const instead: BlotatoOptions["instead"] = (route, count) => {
    if (route === "POST /posts" || count > 2) return undefined;
    return count === 1 ? new Response("", { status: 503 }) : "drop";
  };
  await withCloud({ instead }, async ({ run, cloud }) => {
    assert.equal((await run() as { post_url: string }).post_url, url);
    for (const route of ["GET /users/me/accounts", "POST /media", "GET /posts/submission-1"]) {
      assert.equal(cloud.bodies(route).length, 3, route);
    }
    assert.equal(cloud.bodies("POST /posts").length, 1);
  });
  await withCloud(refusing("POST /media", 502), async ({ run, cloud }) => {
    await fails(run(), /Blotato answered 502: no/, { retry: true });
    assert.equal(cloud.bodies("POST /media").length, 6);
  });
});

Deno.test("a post whose answer was lost is never sent again, but put to a person", async () => {
  const onPosts = (answer: Response | "drop") => ({
    instead: (route: string) => route === "POST /posts" ? answer : undefined,
  });
  for (
    const [options, message] of [
      [onPosts("drop"), /may have been made: its answer was lost/],
      [refusing("POST /posts", 500), /may have been made: Blotato answered 500: no/],
      [onPosts(Response.json({ ok: true }, { status: 201 })), /told no postSubmissionId/],
    ] as const
  ) {
    await withCloud(options, async ({ run, cloud }) => {
      await fails(run(), message, uncertain);
      assert.equal(cloud.bodies("POST /posts").length, 1);
    });
  }
});

Deno.test("a stop while the post is under way leaves it in doubt, one before it does not", async () => {
  for (const [route, more] of [["POST /posts", uncertain], ["POST /media", undefined]] as const) {
    const stop = new AbortController();
    const instead = (asked: string) => {
      if (asked !== route) return undefined;
      stop.abort(new Error("cancelled"));
      return "drop" as const;
    };
    await withCloud({ instead }, async ({ run, cloud }) => {
      const running = run({}, { context: { signal: stop.signal } });
      await (more ? fails(running, /stopped meanwhile/, more) : assert.rejects(running, /stopped|cancelled/));
      assert.equal(cloud.bodies("POST /posts").length, more ? 1 : 0);
    });
  }
});

Deno.test("a post that is still under way is looked at again by the next attempt, not made again", async () => {
  const states = [...Array(20).fill({ status: "in-progress" }), { status: "published", publicUrl: url }];
  const stop = new AbortController();
  let looks = 0;
  const instead = (route: string) => {
    if (route === "GET /posts/submission-1" && ++looks === 3) stop.abort(new Error("the worker stops"));
    return undefined;
  };
  await withCloud({ states, instead }, async ({ run, cloud, attempt }) => {
    let kept: unknown;
    const outward: ExecutionContext["outward"] = {
      ask: () => Promise.resolve(),
      perform: async <T>(_: unknown, work: () => Promise<T>) => (kept ??= await work()) as T,
    };
    await assert.rejects(run({}, { context: { outward, signal: stop.signal } }), /the worker stops/);
    assert.deepEqual(kept, { via: "cloud", id: "submission-1", state: "pending" });
    assert.equal((await run({}, { context: { outward } }) as { post_url: string }).post_url, url);
    assert.equal(cloud.bodies("POST /posts").length, 1);
    await fails(
      run({}, { context: { ...attempt.context, outward }, settings: { blotatoApiKey: undefined } }),
      /Blotato is not configured/,
      { retry: true },
    );
  });
});

Deno.test("a post that stays under way fails the attempt with a hope", async () => {
  await withCloud({ states: [{ status: "in-progress" }] }, async ({ run }) => {
    await fails(run(), /took the post to tiktok .*submission-1.*looks at the same post/, { retry: true });
  });
});

Deno.test("the limits of a minute are kept by all tasks of the process together", async () => {
  const clock = fakeClock();
  const times: number[] = [];
  const instead = (route: string) => {
    if (route === "POST /media") times.push(clock.monotonic());
    return undefined;
  };
  await withCloud({ instead }, async ({ settings, attempt }) => {
    const executor = blotatoUpload(settings, clock);
    const media_urls = Array.from({ length: 6 }, (_, i) => `https://cdn.example/${i}.jpg`);
    const input = executor.input.parse({ ...given, video_url: undefined, media_urls });
    const run = () => executor.run(input, attempt.context);
    await driveClock(clock, Promise.all([run(), run()]));
    assert.equal(times.length, 12);
    assert.ok(times[10] - times[0] >= 60_000 && times[11] - times[1] >= 60_000, times.join());
    assert.ok(times[9] < 60_000, times.join());
  });
});
