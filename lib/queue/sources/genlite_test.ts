import assert from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import { type Outcome, SourceError, type Task } from "../../task/task.ts";
import { startGenlite } from "../../testing/lite_queue_server.ts";
import { tempDir } from "../../testing/temp.ts";
import { HeldItems } from "../http/held_items.ts";
import { genliteSource } from "./genlite.ts";

const TYPES = ["remotion_render"];
const never = new AbortController().signal;

async function setUp() {
  const dir = await tempDir();
  const server = startGenlite({ authorization: "Bearer k" });
  const held = new HeldItems(dir.path);
  const source = () =>
    genliteSource({ url: server.url, key: "k", timeoutMs: 1000, clock: systemClock, held });
  return {
    server,
    source: source(),
    restarted: source,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const report = (task: Task, outcome: Outcome) => ({ task, outcome, durationMs: 1 });

Deno.test("a local Remotion job becomes a render with its brief as props", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({
    model: "remotion",
    executor: "local",
    prompt: "a cat",
    brief: { composition: "Promo", platform: "tiktok", hook: "wow", props: { title: "Cat" } },
    duration_seconds: 15,
    aspect_ratio: "9:16",
    style: null,
    attempts: 1,
    max_attempts: 3,
  });
  const [task] = await source.claim(TYPES, 3, never);
  assert.deepEqual([task!.id, task!.type, task!.attempt, task!.maxAttempts], [id, "remotion_render", 2, 3]);
  assert.deepEqual(task!.input, {
    composition: "Promo",
    platform: "tiktok",
    props: { prompt: "a cat", duration_seconds: 15, aspect_ratio: "9:16", hook: "wow", title: "Cat" },
  });
  assert.equal(server.items.get(id)!.status, "generating");
});

Deno.test("jobs for cloud models are left to the cloud", async () => {
  for (const job of [{ model: "sora" }, { model: "remotion", executor: "cloud" }]) {
    await using parts = await setUp();
    const id = parts.server.add(job);
    assert.deepEqual(await parts.source.claim(TYPES, 1, never), []);
    assert.equal(parts.server.items.get(id)!.status, "pending");
  }
});

Deno.test("a render is told with its address, its size and the rest as metadata", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({});
  const [task] = await source.claim(TYPES, 1, never);
  const output = {
    video_url: "https://s/v.mp4",
    thumbnail_url: "https://s/t.jpg",
    file_size_bytes: 9,
    composition: "A",
  };
  assert.deepEqual(await source.settle([report(task!, { kind: "done", output })], never), ["settled"]);
  assert.deepEqual(server.requests.at(-1)!.body, {
    output_url: "https://s/v.mp4",
    thumbnail_url: "https://s/t.jpg",
    file_size_bytes: 9,
    output_metadata: { composition: "A" },
  });
  assert.equal(server.items.get(id)!.status, "completed");
});

Deno.test("a render that was not uploaded is no success, and the error says what to set", async () => {
  await using parts = await setUp();
  parts.server.add({});
  const [task] = await parts.source.claim(TYPES, 1, never);
  const settling = parts.source.settle(
    [report(task!, { kind: "done", output: { output_file: "/x" } })],
    never,
  );
  await assert.rejects(settling, (error) => {
    assert.ok(error instanceof SourceError && !error.transient);
    assert.match(error.message, /set SUPABASE_URL/);
    return true;
  });
});

Deno.test("failures and releases are told; where a job cannot be put back, its failure is", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  const id = server.add({});
  const claim = async () => (await source.claim(TYPES, 1, never))[0]!;
  await source.settle([report(await claim(), { kind: "released", reason: "stopping" })], never);
  assert.equal(server.items.get(id)!.status, "pending");
  const again = await claim();
  server.fault = { path: /retry/, status: 400 };
  await source.settle([report(again, { kind: "released", reason: "stopping" })], never);
  assert.deepEqual([server.items.get(id)!.status, server.items.get(id)!.error], ["failed", "stopping"]);
});

Deno.test("nothing to do is no error, and everything unexpected is one", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  assert.deepEqual(await source.claim(TYPES, 1, never), []);
  for (const body of ["{}", '{"data":null}', '{"job":null}', ""]) {
    server.fault = { path: /next/, body };
    assert.deepEqual(await source.claim(TYPES, 1, never), [], body);
  }
  for (const fault of [{ body: '{"data":{"job":7}}' }, { body: "<p>" }, { status: 503 }]) {
    server.fault = { path: /next/, ...fault };
    await assert.rejects(source.claim(TYPES, 1, never), SourceError);
  }
});

Deno.test("a job that is handed out twice is claimed once", async () => {
  await using parts = await setUp();
  const { server, source } = parts;
  server.add({ id: "twin" });
  server.fault = { path: /next/, body: '{"data":{"id":"twin"}}' };
  const first = await source.claim(TYPES, 1, never);
  const second = await source.claim(TYPES, 1, never);
  assert.deepEqual([first.length, second.length], [1, 0]);
});

Deno.test("after a crash the job in progress is given back, once", async () => {
  await using parts = await setUp();
  const { server, source, restarted } = parts;
  const id = server.add({});
  await source.claim(TYPES, 1, never);
  assert.equal(await restarted().abandonHeld!(never), 1);
  assert.equal(server.items.get(id)!.status, "failed");
  assert.equal(await restarted().abandonHeld!(never), 0);
});
