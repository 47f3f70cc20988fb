import assert from "node:assert/strict";
import type { RunResult } from "../../lib/process.ts";
import { ffmpegFailure, tellingLine } from "./failure.ts";

const failed = (stderrTail: string[], more: Partial<RunResult> = {}) => {
  const ended = { code: 1, signal: null, stdoutTail: [], durationMs: 1, aborted: false, timedOut: false };
  return ffmpegFailure("ffmpeg", { ...ended, stderrTail, ...more });
};

Deno.test("the line that tells most is taken, without addresses and generalities", () => {
  const lines = [
    "[mov,mp4 @ 0x557f564c6780] moov atom not found",
    "file:input0: Invalid data found",
    "Conversion failed!",
  ];
  assert.equal(tellingLine(lines), "moov atom not found");
  assert.equal(
    tellingLine(["hm", "[vost#0:0 @ 0x1] [enc @ 0x2] Could not open encoder"]),
    "Could not open encoder",
  );
  assert.equal(tellingLine(["only this"]), "only this");
  assert.equal(tellingLine(["", "Conversion failed!"]), undefined);
});

Deno.test("a bad file is final; trouble of the machine is retried", () => {
  assert.equal(failed(["input0: Invalid data found when processing input"]).retry, false);
  const full = failed(["av_interleaved_write_frame(): No space left on device", "Error writing trailer"]);
  assert.deepEqual([full.retry, full.message], [
    true,
    "ffmpeg: av_interleaved_write_frame(): No space left on device",
  ]);
  assert.equal(failed(["Unknown encoder 'libx265'"]).retry, true);
});

Deno.test("a killed program is retried, and its last words do not hide that it was killed", () => {
  const killed = failed(["some warning: invalid"], { code: null, signal: "SIGKILL" });
  assert.deepEqual([killed.retry, killed.message], [true, "ffmpeg: was killed by SIGKILL (out of memory?)"]);
  assert.equal(failed([]).message, "ffmpeg: exited with status 1");
});
