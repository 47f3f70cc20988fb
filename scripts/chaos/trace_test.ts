import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import { openTrace, parseTrace, type TraceLine } from "./trace.ts";

const line = (token: string): TraceLine => ({
  ...{ event: "start", at: 1, task: "t", attempt: 1, token, worker: "w1", nonce: "n" },
});

Deno.test("what several append at once is read back whole", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "trace");
  using one = await openTrace(path);
  using other = await openTrace(path);
  const lines = Array.from({ length: 20 }, (_, i) => line(`${i}`));
  await Promise.all(lines.map((line, i) => (i % 2 ? one : other).append(line)));
  const read = parseTrace(await Deno.readTextFile(path));
  assert.deepEqual(read.sort((a, b) => Number(a.token) - Number(b.token)), lines);
});

Deno.test("a damaged line is an error that shows it", () => {
  assert.throws(() => parseTrace(`${JSON.stringify(line("1"))}\n{"event":"sta`), /damaged: \{"event":"sta/);
});
