import assert from "node:assert/strict";
import { readError, readJob, readSubmitted } from "./service_answer.ts";

const BASE = "https://render.example.com";

Deno.test("the job's id is read in every shape that the service's documents show", () => {
  const bodies = [{ jobId: "a" }, { job_id: "a" }, { data: { jobId: "a" } }, { job: { id: "a" } }, {
    id: "a",
  }];
  for (const body of bodies) assert.equal(readSubmitted(body), "a", JSON.stringify(body));
  assert.equal(readSubmitted({ id: 7 }), "7");
});

Deno.test("what cannot be an id is none", () => {
  for (
    const body of [{}, null, "x", { jobId: "" }, { jobId: ".." }, { jobId: "x".repeat(201) }, { jobId: {} }]
  ) {
    assert.equal(readSubmitted(body), undefined);
  }
});

Deno.test("a finished job tells the video's address, or only its path", () => {
  const video = (result: unknown) => readJob({ id: "a", status: "completed", result }, BASE);
  assert.deepEqual(video({ videoUrl: "https://cdn/x.mp4", thumbnail_url: "/t.jpg" }), {
    state: "done",
    video: { url: "https://cdn/x.mp4", thumbnailUrl: `${BASE}/t.jpg` },
  });
  assert.deepEqual(video({ videoPath: "./output/x.mp4", duration: 60 }), {
    state: "done",
    video: { path: "./output/x.mp4" },
  });
  assert.deepEqual(video({ videoPath: "https://cdn/x.mp4" }), {
    state: "done",
    video: { url: "https://cdn/x.mp4" },
  });
  assert.deepEqual(video({ video_url: "file:///etc/passwd" }), { state: "done", video: {} });
  assert.deepEqual(video(undefined), { state: "done", video: {} });
});

Deno.test("a failed job tells why, in one line", () => {
  assert.deepEqual(readJob({ status: "failed", error: "no\n brief" }, BASE), {
    state: "failed",
    error: "no brief",
  });
  assert.deepEqual(readJob({ status: "error", error: { message: "bad" } }, BASE), {
    state: "failed",
    error: "bad",
  });
  assert.deepEqual(readJob({ status: "FAILED" }, BASE), { state: "failed", error: "it tells no reason" });
  assert.deepEqual(readJob({ status: "canceled" }, BASE), { state: "cancelled" });
});

Deno.test("any other status is work in progress, with its percentage where there is one", () => {
  assert.deepEqual(readJob({ status: "processing", progress: 0.5 }, BASE), {
    state: "working",
    status: "processing",
    percent: 50,
  });
  assert.deepEqual(readJob({ job: { status: "queued", progress: { percent: 30 } } }, BASE), {
    state: "working",
    status: "queued",
    percent: 30,
  });
  assert.deepEqual(readJob({ status: "queued", progress: 1_000 }, BASE), {
    state: "working",
    status: "queued",
  });
  assert.deepEqual(readJob(null, BASE), { state: "working", status: "" });
});

Deno.test("a refusal's message is found, and bounded", () => {
  assert.equal(readError({ error: "Missing required field: brief" }), "Missing required field: brief");
  assert.equal(readError({ error: { code: "x", message: "m" } }), "m");
  assert.equal(readError({ error: "bad", message: "because" }), "because");
  assert.equal(readError({ error: "x".repeat(1_000) })?.length, 500);
  assert.equal(readError("<html>"), undefined);
});
