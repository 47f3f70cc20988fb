import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TextLineStream } from "../testing/lines.ts";
import { runtimeFlags } from "../daemon/self.ts";
import { startRealtime } from "../testing/realtime_server.ts";
import { openSupabase } from "./supabase.ts";

const KEY = "sb_secret_realtime_test";

function startListener(url: string) {
  const script = fileURLToPath(import.meta.resolve("../testing/realtime_listener.ts"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", ...runtimeFlags(), script, url, KEY],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  return { child, next: async () => (await lines.read()).value };
}

Deno.test("Realtime's broadcasts on the channel arrive as hints, until nobody listens any more", async () => {
  await using realtime = startRealtime(KEY);
  const { child, next } = startListener(realtime.url);
  assert.equal(await next(), "listening");
  assert.deepEqual([...realtime.joined], ["realtime:actp_tasks"]);
  realtime.broadcast("actp_tasks", "other", { payload: "no" });
  realtime.broadcast("actp_tasks", "wake", { payload: "pending" });
  realtime.broadcast("actp_tasks", "wake", { payload: "cancel:17" });
  assert.equal(await next(), "pending");
  assert.equal(await next(), "cancel:17");
  await child.stdin.close();
  assert.equal(await next(), "stopped");
  assert.equal(await next(), undefined);
  assert.deepEqual([...realtime.joined], []);
  await child.status;
});

Deno.test("a lost connection to Realtime is made again and hints go on", async () => {
  await using realtime = startRealtime(KEY);
  const { child, next } = startListener(realtime.url);
  assert.equal(await next(), "listening");
  realtime.cut();
  await realtime.whenJoined();
  realtime.broadcast("actp_tasks", "wake", { payload: "pending" });
  assert.equal(await next(), "pending");
  await child.stdin.close();
  assert.equal(await next(), "stopped");
  assert.equal(await next(), undefined);
  await child.status;
});

Deno.test("a subscription that is refused is an error, so that it is told and tried again", async () => {
  await using realtime = startRealtime("another key");
  const { child, next } = startListener(realtime.url);
  assert.match(await next() ?? "", /^refused: Realtime does not take the subscription/);
  assert.equal(await next(), undefined);
  await child.stdin.close();
  await child.status;
});

Deno.test("a client that never listened closes at once and leaves nothing running", async () => {
  await openSupabase({ url: "http://127.0.0.1:1", key: KEY }).close();
});
