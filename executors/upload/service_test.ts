import assert from "node:assert/strict";
import { driveClock } from "../../lib/testing/drive_clock.ts";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { safariService, type SafariServiceOptions } from "../../lib/testing/safari_service.ts";
import { fails } from "../../lib/testing/task_failure.ts";
import { postWithService } from "./service.ts";

const post = "https://www.youtube.com/shorts/dQw4w9WgXcQ";
const done = { status: "SUCCEEDED", result: { post_url: post, platform: "youtube" } };
const values = { platform: "youtube", file: "/tmp/t/video.mp4", caption: "hi", title: "T" } as const;

/** Posts through a stand-in service; time passes as fast as it answers. */
async function upload(
  options: SafariServiceOptions,
  more: { signal?: AbortSignal; timeoutMs?: number } = {},
) {
  await using service = safariService(options);
  const clock = fakeClock();
  const messages: (string | undefined)[] = [];
  const context = {
    signal: more.signal ?? new AbortController().signal,
    progress: ({ message }: { message?: string }) => void messages.push(message),
  };
  const running = postWithService({
    baseUrl: service.url,
    values,
    timeoutMs: more.timeoutMs ?? 60_000,
    clock,
  }, context);
  const posted = await driveClock(clock, running);
  return { posted, commands: service.commands, requests: service.requests, messages };
}

const uncertain = { retry: false, uncertain: true };

Deno.test("a command is submitted once and followed to its end", async () => {
  const states = [{ status: "PENDING" }, { status: "RUNNING" }, { status: "RUNNING" }, done];
  const { posted, commands, requests, messages } = await upload({ states });
  assert.deepEqual(posted, { url: post });
  const payload = { platform: "youtube", video_path: "/tmp/t/video.mp4", caption: "hi", title: "T" };
  assert.deepEqual(commands, [{ type: "upload.youtube", payload }]);
  assert.deepEqual(requests, ["POST /v1/commands", ...Array(4).fill("GET /v1/commands/command-1")]);
  assert.deepEqual(messages, ["waiting for Safari", "Safari is posting", "Safari is posting"]);
});

Deno.test("success without proof, as a stub gives it, is no success", async () => {
  await fails(upload({ states: [{ status: "SUCCEEDED" }] }), /told success without proof/, uncertain);
  await fails(
    upload({ states: [{ status: "SUCCEEDED", result: { platform: "youtube" } }] }),
    /proof/,
    uncertain,
  );
  await fails(upload({ states: [{ status: "SUCCEEDED", result: { ...done.result, stub: true } }] }), /stub/, {
    retry: true,
  });
});

Deno.test("success with an error inside is a failure", async () => {
  const items = [{ platform: "youtube", error: "Browser automation unavailable" }];
  await fails(
    upload({ states: [{ status: "SUCCEEDED", result: { items } }] }),
    /Browser automation unavailable/,
    {
      retry: true,
    },
  );
  await fails(upload({ states: [{ ...done, error: "log in first" }] }), /log in first/, { retry: true });
});

Deno.test("a failure may be tried again, unless it came after the post had been sent", async () => {
  await fails(upload({ states: [{ status: "FAILED", error: "not logged in" }] }), /failed: not logged in/, {
    retry: true,
  });
  const late = { status: "FAILED", error: "clicked Publish, but no address came" };
  await fails(upload({ states: [late] }), /clicked Publish/, uncertain);
});

Deno.test("a command cancelled before it ran has done nothing, one that ran may have", async () => {
  const cancelled = { status: "CANCELLED" };
  await fails(upload({ states: [{ status: "QUEUED" }, cancelled] }), /was cancelled/, { retry: true });
  await fails(
    upload({ states: [{ status: "RUNNING" }, cancelled] }),
    /cancelled there while it ran/,
    uncertain,
  );
});

Deno.test("a service that cannot be reached has posted nothing", async () => {
  const service = safariService();
  await service[Symbol.asyncDispose]();
  const context = { signal: new AbortController().signal, progress() {} };
  const running = postWithService(
    { baseUrl: service.url, values, timeoutMs: 1_000, clock: fakeClock() },
    context,
  );
  await fails(running, /cannot be reached: .*refused.*SAFARI_SERVICE_URL/, { retry: true });
});

Deno.test("a refused command has posted nothing; whether to try again depends on the refusal", async () => {
  const answer = (status: number) => ({ instead: () => Response.json({ error: "no" }, { status }) });
  await fails(upload(answer(400)), /refused the upload: status 400: no/, { retry: false });
  await fails(upload(answer(429)), /status 429/, { retry: true });
  await fails(upload(answer(503)), /status 503/, { retry: true });
});

Deno.test("when the answer to a command is lost, the post may come", async () => {
  await fails(upload({ instead: () => "drop" }), /its answer to the command was lost/, uncertain);
  await fails(
    upload({ instead: () => new Response("", { status: 500 }) }),
    /status 500 and no command_id/,
    uncertain,
  );
  await fails(upload({ instead: () => Response.json({}, { status: 202 }) }), /no command_id/, uncertain);
});

Deno.test("polls that fail are repeated", async () => {
  const instead: SafariServiceOptions["instead"] = (request, count) => {
    if (request.method === "POST" || count > 4) return undefined;
    return count === 2 ? "drop" : new Response("oops", { status: count === 3 ? 500 : 200 });
  };
  assert.deepEqual((await upload({ states: [done], instead })).posted, { url: post });
});

Deno.test("a service that forgot the command, or tells a status of its own, leaves the post in doubt", async () => {
  const forgot = (request: Request) =>
    request.method === "GET" ? Response.json({ error: "Command not found" }, { status: 404 }) : undefined;
  await fails(upload({ instead: forgot }), /no longer knows command command-1/, uncertain);
  await fails(upload({ states: [{ status: "EXPLODED" }] }), /unknown status.*EXPLODED/, uncertain);
});

Deno.test("the wait ends at the time limit, and the post may still come", async () => {
  await fails(upload({ states: [{ status: "RUNNING" }] }, { timeoutMs: 20_000 }), /within 20 s/, uncertain);
});

Deno.test("a stop ends the wait, and the post may still come", async () => {
  const stop = new AbortController();
  const instead = (request: Request) => {
    if (request.method === "GET") stop.abort(new Error("cancelled"));
    return undefined;
  };
  const running = upload({ states: [{ status: "RUNNING" }], instead }, { signal: stop.signal });
  await fails(running, /the wait for command command-1 was stopped/, uncertain);
});
