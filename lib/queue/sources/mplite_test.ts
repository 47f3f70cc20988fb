import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../clock.ts";
import { type Outcome, SourceError, type Task } from "../../task/task.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { startMplite } from "../../testing/lite_queue_server.ts";
import { tempDir } from "../../testing/temp.ts";
import { until } from "../../testing/until.ts";
import { HeldItems } from "../http/held_items.ts";
import { mpliteSource } from "./mplite.ts";

const TYPES = ["safari_upload", "blotato_upload"];
const never = new AbortController().signal;

async function setUp(options: {
  clock?: Clock;
  auth?: "bearer" | "x-api-key";
  result?: "platform_url" | "post_url";
} = {}) {
  const { auth = "bearer", result = "platform_url", clock = systemClock } = options;
  const dir = await tempDir();
  const key: Record<string, string> = auth === "bearer"
    ? { authorization: "Bearer k" }
    : { "x-api-key": "k" };
  const server = startMplite(key);
  const held = new HeldItems(dir.path);
  const source = () =>
    mpliteSource({
      url: server.url,
      key: "k",
      auth,
      result,
      platforms: ["tiktok", "instagram"],
      timeoutMs: 1000,
      clock,
      held,
    });
  return {
    server,
    held,
    source: source(),
    restarted: source,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const report = (task: Task, outcome: Outcome) => ({ task, outcome, durationMs: 1 });
const POSTED: Outcome = { kind: "done", output: { post_url: "https://t/1", post_id: "1" } };

Deno.test("items of each platform are claimed, and routed by their executor", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const first = server.add({
    platform: "tiktok",
    caption: "hi",
    video_url: "https://v/1.mp4",
    executor: "safari",
    account_username: "ann",
    hashtags: ["a"],
    priority: 2,
  });
  const second = server.add({
    platform: "instagram",
    media_url: "https://v/2.mp4",
    executor: "blotato",
    account_id: 7,
    hashtags: ["b"],
    metadata: { target: { pageId: "p" }, other: 1 },
  });
  const tasks = await source.claim(TYPES, 5, never);
  assert.deepEqual(tasks.map(({ id, type, input, priority }) => ({ id, type, input, priority })), [
    {
      id: first,
      type: "safari_upload",
      input: {
        platform: "tiktok",
        caption: "hi",
        hashtags: ["a"],
        video_url: "https://v/1.mp4",
        account: "ann",
      },
      priority: 8,
    },
    {
      id: second,
      type: "blotato_upload",
      input: {
        platform: "instagram",
        video_url: "https://v/2.mp4",
        caption: "#b",
        account_id: "7",
        target: { pageId: "p" },
      },
      priority: 5,
    },
  ]);
  assert.deepEqual([...server.items.values()].map(({ status }) => status), ["publishing", "publishing"]);
});

Deno.test("no item, an empty envelope and a 404 are nothing to do", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  assert.deepEqual(await source.claim(TYPES, 1, never), []);
  for (const body of ["{}", '{"data":{}}', '{"data":null}', '{"item":null}', ""]) {
    server.fault = { path: /next/, body };
    assert.deepEqual(await source.claim(TYPES, 1, never), [], body);
  }
});

Deno.test("everything unexpected is an error that says what was wrong", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ platform: "tiktok" });
  const cases: [Partial<typeof server.fault> & object, RegExp][] = [
    [{ body: "<html>" }, /MPLite answered 200 with something that is not JSON/],
    [{ body: '{"data":{"item":{"name":1}}}' }, /MPLite answered with something that is no item/],
    [{ body: "[1]" }, /something that is no item/],
    [{ status: 500, body: '{"error":"boom","message":"no disk"}' }, /MPLite answered 500: no disk/],
    [{ status: 302 }, /MPLite answered 302/],
  ];
  for (const [fault, message] of cases) {
    server.fault = { path: /next/, ...fault };
    await assert.rejects(source.claim(TYPES, 1, never), (error) => {
      assert.ok(error instanceof SourceError && error.transient);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("a refused key names the setting, and does not lose what waits to be told", async () => {
  await using parts = await setUp({ auth: "x-api-key" });
  const other = mpliteSource({
    url: parts.server.url,
    key: "wrong",
    auth: "x-api-key",
    result: "post_url",
    platforms: ["tiktok"],
    timeoutMs: 1,
    clock: systemClock,
    held: parts.held,
  });
  await assert.rejects(other.claim(TYPES, 1, never), (error) => {
    assert.ok(error instanceof SourceError && error.transient);
    assert.match(error.message, /401 \(check MPLITE_KEY and MPLITE_AUTH\)/);
    assert.ok(!error.message.includes("wrong"));
    return true;
  });
});

Deno.test("an item that this worker cannot do, or that another takes first, is left alone", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ platform: "tiktok", executor: "blotato" });
  assert.deepEqual(await source.claim(["safari_upload"], 1, never), []);
  server.fault = { path: /claim/, status: 409 };
  assert.deepEqual(await source.claim(TYPES, 1, never), []);
  assert.deepEqual(await source.held!(never), []);
  assert.equal(server.paths().filter((path) => path.endsWith("/claim")).length, 1);
});

Deno.test("an item for a platform that this worker cannot post to is left alone, and keeps no other waiting", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ platform: "tiktok" });
  const second = server.add({ platform: "instagram" });
  const exceptions = { safari_upload: { platform: ["tiktok"] } };
  const tasks = await source.claim(TYPES, 1, never, undefined, exceptions);
  assert.deepEqual(tasks.map(({ id }) => id), [second]);
});

Deno.test("limits on types hold within one claim", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ platform: "tiktok" });
  server.add({ platform: "instagram" });
  const tasks = await source.claim(TYPES, 5, never, { "safari_*": 1 });
  assert.equal(tasks.length, 1);
});

Deno.test("a success is told with its address, in the words that the queue wants", async () => {
  for (
    const [result, body] of [
      ["platform_url", { platform_url: "https://t/1", platform_post_id: "1" }],
      ["post_url", { post_url: "https://t/1" }],
    ] as const
  ) {
    await using parts = await setUp({ result });
    const { server, source } = parts;
    const id = server.add({ platform: "tiktok" });
    const [task] = await source.claim(TYPES, 1, never);
    assert.deepEqual(await source.settle([report(task!, POSTED)], never), ["settled"]);
    assert.deepEqual(server.requests.at(-1)!.body, body);
    assert.equal(server.items.get(id)!.status, "published");
    assert.deepEqual(await source.settle([report(task!, POSTED)], never), ["settled"], "a replay");
    assert.deepEqual(await source.held!(never), []);
  }
});

Deno.test("a result that names no post is refused, so that it is not told as a success", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ platform: "tiktok" });
  const [task] = await source.claim(TYPES, 1, never);
  const settling = source.settle([report(task!, { kind: "done", output: {} })], never);
  await assert.rejects(settling, (error) => error instanceof SourceError && !error.transient);
});

Deno.test("failures, time-outs and releases are told, each in its own way", async () => {
  const cases: [Outcome, string, RegExp][] = [
    [{ kind: "failed", error: "no login", retry: true }, "failed", /fail$/],
    [{ kind: "timedOut", error: "too long" }, "failed", /fail$/],
    [{ kind: "released", reason: "waits", delayMs: 60_000 }, "queued", /reschedule$/],
  ];
  for (const [outcome, status, path] of cases) {
    await using parts = await setUp();
    const { server, source } = parts;
    const id = server.add({ platform: "tiktok" });
    const [task] = await source.claim(TYPES, 1, never);
    assert.deepEqual(await source.settle([report(task!, outcome)], never), ["settled"]);
    assert.equal(server.items.get(id)!.status, status);
    assert.match(server.requests.at(-1)!.path, path);
  }
});

Deno.test("where an item cannot be put off, its failure makes the queue try again", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  const [task] = await source.claim(TYPES, 1, never);
  server.fault = { path: /reschedule/, status: 422 };
  await source.settle([report(task!, { kind: "released", reason: "stopping" })], never);
  assert.deepEqual(
    [server.items.get(id)!.status, server.items.get(id)!.error_message],
    ["failed", "stopping"],
  );
});

Deno.test("an item that the queue has given to nobody any more is lost to a late report", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  const [task] = await source.claim(TYPES, 1, never);
  server.items.get(id)!.status = "queued";
  assert.deepEqual(await source.settle([report(task!, POSTED)], never), ["lost"]);
  server.items.delete(id);
  assert.deepEqual(await source.settle([report(task!, POSTED)], never), ["lost"]);
});

Deno.test("an item that people cancel is cancelled here", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  const [task] = await source.claim(TYPES, 1, never);
  assert.deepEqual(await source.heartbeat([{ task: task! }], never), ["ok"]);
  server.items.get(id)!.status = "cancelled";
  assert.deepEqual(await source.heartbeat([{ task: task! }], never), ["cancel"]);
  assert.deepEqual(await source.settle([report(task!, { kind: "cancelled" })], never), ["settled"]);
});

Deno.test("after a crash the items that were in progress are given back", async () => {
  await using parts = await setUp();
  const { server, source, restarted } = parts;
  const id = server.add({ platform: "tiktok" });
  await source.claim(TYPES, 1, never);
  const next = restarted();
  assert.deepEqual((await next.held!(never)).map((task) => task.id), [id]);
  assert.equal(await next.abandonHeld!(never), 1);
  const { status, error_message } = server.items.get(id)!;
  assert.deepEqual([status, error_message], ["failed", "the worker stopped in the middle of it"]);
  assert.equal(await restarted().abandonHeld!(never), 0);
});

Deno.test("a claim whose answer was lost is looked into, and the item given back", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  server.fault = { path: /claim/, loseAnswer: true };
  await assert.rejects(source.claim(TYPES, 1, never), SourceError);
  assert.equal(server.items.get(id)!.status, "publishing");
  server.fault = undefined;
  assert.deepEqual(await source.claim(TYPES, 1, never), []);
  assert.equal(server.items.get(id)!.status, "failed");
});

Deno.test("a claim that did not arrive leaves the item to the next claim", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  server.fault = { path: /claim/, status: 500 };
  await assert.rejects(source.claim(TYPES, 1, never), SourceError);
  server.fault = undefined;
  assert.deepEqual((await source.claim(TYPES, 1, never)).map((task) => task.id), [id]);
});

Deno.test("a queue that does not answer is given up after 15 s, and is an outage", async () => {
  const clock = fakeClock();
  await using parts = await setUp({ clock });
  parts.server.fault = { path: /next/, hang: true };
  const claiming = assert.rejects(parts.source.claim(TYPES, 1, never), (error) => {
    assert.ok(error instanceof SourceError && error.transient, String(error));
    return true;
  });
  await until("it was asked", () => parts.server.requests.length === 1);
  await clock.advance(15_000);
  await claiming;
});

Deno.test("an item that the queue hands out for two platforms is claimed once", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const body = JSON.stringify({ data: { item: { id: "twin", platform: "tiktok" } } });
  server.add({ id: "twin", platform: "tiktok" });
  server.fault = { path: /next/, body };
  assert.equal((await source.claim(TYPES, 5, never)).length, 1);
});

Deno.test("tokens grow with every claim, so that an act knows its attempt", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({ platform: "tiktok" });
  const [first] = await source.claim(TYPES, 1, never);
  server.items.get(id)!.status = "queued";
  const [second] = await source.claim(TYPES, 1, never);
  assert.ok(BigInt(second!.token) > BigInt(first!.token));
});
