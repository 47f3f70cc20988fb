import assert from "node:assert/strict";
import type { WorkerStatus } from "../status.ts";
import { findProgram, needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { pageRoutes } from "./page.ts";
import { controlServer } from "./server.ts";
import { randomSecret } from "./token.ts";

const FILES = ["/", "/app.js", "/style.css"];

Deno.test("the page is small, and loads and runs nothing but its own files", async () => {
  const texts = await Promise.all(FILES.map(async (path) => (await pageRoutes().request(path)).text()));
  const [html, script] = texts;
  assert.ok(texts.join("").length <= 25_000);
  assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
  assert.doesNotMatch(html, /<script(?! src="\/app\.js")|<style|\son\w+=|\sstyle=|https?:/);
});

Deno.test("the page's files have their types", async () => {
  const types = await Promise.all(
    FILES.map(async (path) => (await pageRoutes().request(path)).headers.get("content-type")),
  );
  assert.deepEqual(types, ["html", "javascript", "css"].map((type) => `text/${type}; charset=utf-8`));
});

const MARKUP = "<img src=x onerror=alert(1)>";
const STATUS: WorkerStatus = {
  worker_id: "worker-one",
  version: "1.2.3",
  status: "degraded",
  reasons: ["not claiming: the disk is full"],
  overall: "critical",
  overall_reasons: [{ code: "low_disk", severity: "critical", message: "not claiming: the disk is full" }],
  queues: [],
  ready: false,
  uptime_seconds: 4000,
  database: "the embedded database",
  capabilities: ["command", "ffmpeg_process"],
  active_tasks: 1,
  max_concurrent: 3,
  tasks_completed: 12,
  tasks_failed: null,
  unreported_outcomes: 0,
  current_tasks: [{
    task_id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    task_type: "ffmpeg_process",
    attempt: 1,
    started_at: new Date(0).toISOString(),
    elapsed_seconds: 75,
    progress: { percent: 40, message: "transcoding", remainingSeconds: 90 },
  }],
  legacy_loops: {},
  legacy_loop_runs: {},
};
const task = (id: string, status: string, fields = {}) => ({
  id: `0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a00${id}`,
  task_type: "ffmpeg_process",
  status,
  attempts: 1,
  max_attempts: 3,
  created_at: new Date().toISOString(),
  error: null,
  cancel_requested_at: null,
  ...fields,
});
const TASKS = [
  task("1", "running"),
  task("2", "failed", { task_type: MARKUP, error: `no such file ${MARKUP}` }),
  task("3", "succeeded"),
];

/** What a browser shows for the page of a worker with {@link STATUS} and {@link TASKS}. */
async function browse(
  fragment: (newCode: () => Promise<string>) => Promise<string>,
): Promise<string> {
  await using profile = await tempDir();
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const token = randomSecret();
  const running = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status: () => Promise.resolve(STATUS), wake: () => {} },
    token,
    database: {
      description: "",
      call: <T>() => Promise.resolve({ tasks: TASKS, next_cursor: null } as T),
      close: () => Promise.resolve(),
    },
    embedded: false,
    onListen: listening.resolve,
  }).run(stop.signal);
  try {
    const url = `http://127.0.0.1:${await listening.promise}`;
    const newCode = async () => {
      const headers = { authorization: `Bearer ${token}` };
      return (await (await fetch(`${url}/session/code`, { method: "POST", headers })).json()).code as string;
    };
    const { stdout } = await new Deno.Command((await findProgram("chromium"))!, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        `--user-data-dir=${profile.path}`,
        "--virtual-time-budget=3000",
        "--dump-dom",
        `${url}/${await fragment(newCode)}`,
      ],
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    stop.abort();
    await running;
  }
}

Deno.test({
  name: "a browser with a one-time code shows the worker and its tasks, as text",
  ...await needs("chromium"),
  fn: async () => {
    const dom = await browse(async (newCode) => `#code=${await newCode()}`);
    assert.match(dom, /<p id="state" role="status" data-state="degraded">degraded<\/p>/);
    for (
      const text of ["not claiming: the disk is full", "worker-one", "1 h 6 min", "1 of 3", "12", "unknown"]
    ) {
      assert.ok(dom.includes(`>${text}<`), text);
    }
    assert.match(dom, /<progress max="100" aria-label="Progress of ffmpeg_process" value="40">/);
    assert.ok(dom.includes(">40 % · transcoding · 90 s left<"));
    assert.equal(dom.match(/<tr role="row"/g)?.length, TASKS.length);
    assert.ok(dom.includes("&lt;img src=x onerror=alert(1)&gt;"));
    assert.doesNotMatch(dom, /<img/);
    assert.match(dom, /aria-label="Cancel ffmpeg_process 0c5b5a3e"/);
    assert.match(dom, /<section id="sign-in"[^>]* hidden=""/);
  },
});

Deno.test({
  name: "a browser without a session is told how to get in",
  ...await needs("chromium"),
  fn: async () => {
    const dom = await browse(() => Promise.resolve("#code=wrong"));
    assert.match(dom, /data-state="not_signed_in"/);
    assert.match(dom, /<section id="sign-in" class="card" aria-labelledby="sign-in-title">/);
    assert.match(dom, /<div id="live" hidden="">/);
    assert.ok(dom.includes("The code is used or older than a minute"));
  },
});
