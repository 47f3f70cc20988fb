import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeClock } from "../../testing/fake_clock.ts";
import { controlBench } from "../../testing/control_api.ts";
import { tempDir } from "../../testing/temp.ts";
import { openAccessFile } from "./access_file.ts";
import { type AuditEntry, REFUSALS_A_MINUTE } from "./audit.ts";
import { PEOPLES_FUNCTIONS, summarizer } from "./recorded.ts";

const short = (
  { caller, method, path, status, summary }: AuditEntry,
) => [caller, method, path, status, summary];

Deno.test("every change is written with who, what and how it ended, and looking is not", async () => {
  await using bench = await controlBench();
  const home = { authorization: `Bearer ${bench.homeToken}` };
  const { secret } = bench.access.tokens.create({ name: "laptop", scope: "operate" });
  const ask = async (path: string, init: RequestInit & { headers: Record<string, string> }) => {
    await (await bench.fetch(path, init)).body?.cancel();
  };
  await ask("/tasks", {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({ task_type: "render", input_data: { a: 1, b: 2 } }),
  });
  await ask("/tokens", { method: "POST", headers: home, body: JSON.stringify({ name: "x", scope: "read" }) });
  await ask("/rest/v1/rpc/actp_cancel_task", {
    method: "POST",
    headers: home,
    body: JSON.stringify({ p_task_id: "x" }),
  });
  await ask("/rest/v1/rpc/actp_claim_tasks", { method: "POST", headers: home, body: "{}" });
  await ask("/tasks", { headers: home });
  assert.deepEqual(bench.access.audit.list().entries.map(short).reverse(), [
    ["token:laptop", "POST", "/tasks", 503, "task_type=render input_data={2 fields}"],
    ["home token", "POST", "/tokens", 201, "name=x scope=read"],
    ["home token", "POST", "/rest/v1/rpc/actp_cancel_task", 503, "p_task_id=x"],
  ]);
});

Deno.test("a route reads its body whole although the log listens", async () => {
  await using bench = await controlBench();
  const name = "n".repeat(60);
  const body = JSON.stringify({ name, scope: "read", pad: undefined }) + " ".repeat(100_000);
  const response = await bench.fetch("/tokens", {
    method: "POST",
    headers: { authorization: `Bearer ${bench.homeToken}` },
    body,
  });
  assert.equal((await response.json()).name, name);
  const [{ summary }] = bench.access.audit.list().entries;
  assert.match(summary, /^4096 bytes or more: /);
  assert.ok(summary.length <= 240);
});

Deno.test("who was refused is written with the reason, and so are sign-ins", async () => {
  await using bench = await controlBench();
  const ask = async (path: string, init: RequestInit & { headers: Record<string, string> }) => {
    const response = await bench.fetch(path, init);
    return await response.json();
  };
  await ask("/tasks", { headers: {} });
  await ask("/tasks", { method: "POST", headers: { origin: "http://evil.example" } });
  await ask("/tokens", {
    headers: { authorization: `Bearer ${bench.access.tokens.create({ name: "r", scope: "read" }).secret}` },
  });
  const { code } = await ask("/session/code", {
    method: "POST",
    headers: { authorization: `Bearer ${bench.homeToken}` },
  });
  const origin = `http://127.0.0.1:${bench.port}`;
  const headers = { origin, "content-type": "application/json" };
  await ask("/session", { method: "POST", headers, body: JSON.stringify({ code }) });
  await ask("/session", { method: "POST", headers, body: JSON.stringify({ code }) });
  const entries = bench.access.audit.list().entries.map(short).reverse();
  assert.deepEqual(entries, [
    ["unknown", "GET", "/tasks", 401, "refused: unauthorized"],
    ["unknown", "POST", "/tasks", 403, "refused: foreign_origin"],
    ["token:r", "GET", "/tokens", 403, "refused: forbidden"],
    ["home token", "POST", "/session/code", 200, ""],
    ["dashboard", "POST", "/session", 200, ""],
    ["unknown", "POST", "/session", 401, "refused: bad_code"],
  ]);
  assert.ok(!JSON.stringify(entries).includes(code));
});

Deno.test("a flood of refused attempts is written up to a bound, and the rest is counted", async () => {
  await using dir = await tempDir();
  const clock = fakeClock();
  const { audit, close } = openAccessFile(join(dir.path, "a"), clock);
  const note = { caller: "unknown", method: "GET", path: "/", status: 401, summary: "" };
  for (let i = 0; i < REFUSALS_A_MINUTE + 1000; i++) audit.refused(note);
  await clock.advance(60_000);
  audit.refused(note);
  const { entries } = audit.list({ limit: 500 });
  assert.equal(entries.length, REFUSALS_A_MINUTE + 2);
  assert.match(entries[1].summary, /^1000 more attempts/);
  close();
});

Deno.test("a change that was cut off stays in the log without an answer, over a restart", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "a");
  const first = openAccessFile(path);
  first.audit.begin({ caller: "home token", method: "POST", path: "/tasks", status: null, summary: "" });
  first.close();
  const second = openAccessFile(path);
  const [entry] = second.audit.list().entries;
  assert.deepEqual(short(entry), ["home token", "POST", "/tasks", null, ""]);
  second.close();
});

Deno.test("pages go on where the one before ended, and since leaves out what is older", async () => {
  await using bench = await controlBench();
  const { audit } = bench.access;
  const begin = (path: string) =>
    audit.begin({ caller: "x", method: "POST", path, status: 200, summary: "" });
  begin("/1");
  begin("/2");
  await bench.clock.advance(1000);
  begin("/3");
  const get = async (query: string) => {
    const response = await bench.fetch(`/audit${query}`, {
      headers: { authorization: `Bearer ${bench.homeToken}` },
    });
    return await response.json();
  };
  const first = await get("?limit=2");
  assert.deepEqual(first.entries.map(({ path }: AuditEntry) => path), ["/3", "/2"]);
  const second = await get(`?limit=2&cursor=${first.next_cursor}`);
  assert.deepEqual([second.entries.map(({ path }: AuditEntry) => path), second.next_cursor], [["/1"], null]);
  const since = encodeURIComponent(new Date(bench.clock.now()).toISOString());
  assert.deepEqual((await get(`?since=${since}`)).entries.map(({ path }: AuditEntry) => path), ["/3"]);
  for (const odd of ["?limit=0", "?limit=501", "?limit=x", "?cursor=x", "?since=yesterday"]) {
    assert.equal((await get(odd)).error.code, "bad_request", odd);
  }
});

Deno.test("summaries are short and tell no secret", () => {
  const summarize = summarizer(["hunter2hunter2"]);
  const of = (value: unknown) => summarize(new TextEncoder().encode(JSON.stringify(value)), true);
  assert.equal(of({ reason: "no need" }), 'reason="no need"');
  assert.equal(
    of({ password: "x", api_key: "y", n: 1, on: true }),
    'password="[redacted]" api_key="[redacted]" n=1 on=true',
  );
  assert.equal(of({ note: "it is hunter2hunter2" }), 'note="it is [redacted]"');
  assert.equal(of([{ task_type: "a" }, { task_type: "b" }]), "2 items, the first: task_type=a");
  assert.equal(of([]), "[0 items]");
  assert.equal(summarize(new TextEncoder().encode("<xml>"), true), "5 bytes that are no JSON");
  assert.ok(
    of(Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`f${i}`, "x".repeat(90)]))).length <= 240,
  );
});

Deno.test("whatever the commands change through the database's functions is told, and what they read is not", async () => {
  const used = new Set<string>();
  const cli = new URL("../../cli/", import.meta.url);
  for await (const { name } of Deno.readDir(cli)) {
    if (!name.endsWith(".ts") || /_test\.ts$|^agent_|^run_daemon/.test(name)) continue;
    const source = await Deno.readTextFile(new URL(name, cli));
    for (const [fn] of source.matchAll(/actp_[a-z_]+/g)) used.add(fn);
  }
  const reads = /^actp_(get|list|task_statistics|database_status|oldest|job_|use_)/;
  // Log lines, and words that only begin alike, are no changes of a person.
  const others = ["actp_write_worker_logs", "actp_worker", "actp_task_json"];
  const untold = [...used].filter((fn) =>
    !reads.test(fn) && !PEOPLES_FUNCTIONS.includes(fn) && !others.includes(fn)
  );
  assert.deepEqual(untold, []);
});
