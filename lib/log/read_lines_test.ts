import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { lastLines, logFiles, readLog } from "./read_lines.ts";
import { RotatingFile } from "./rotating_file.ts";

const EVERYTHING = () => true;
const POLICY = { maxBytes: 100, totalBytes: 100_000, maxAgeMs: 1e12, keepMs: 1e12 };

/** A log of lines `0` … `count - 1` in files of ten lines. */
function writer(folder: string) {
  const file = new RotatingFile({
    folder,
    policy: () => POLICY,
    clock: fakeClock(Date.now()),
    onTrouble: (message) => assert.fail(message),
  });
  return {
    file,
    write: (from: number, to: number) =>
      numbers(from, to).forEach((n) => file.write(`${n}`.padEnd(9) + "\n")),
  };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const collect = async (lines: AsyncIterable<string>) => (await Array.fromAsync(lines)).map(Number);

Deno.test("all files are read, the oldest first", async () => {
  await using dir = await tempDir();
  const { file, write } = writer(dir.path);
  write(0, 35);
  file.close();
  assert.equal((await logFiles(dir.path)).length, 4);
  assert.deepEqual(await collect(readLog({ folder: dir.path, wanted: EVERYTHING })), numbers(0, 35));
});

Deno.test("the last lines come from as many files as it takes", async () => {
  await using dir = await tempDir();
  const { file, write } = writer(dir.path);
  write(0, 35);
  file.close();
  const last = (count: number, wanted: (line: string) => boolean = EVERYTHING) =>
    collect(readLog({ folder: dir.path, wanted, last: count }));
  assert.deepEqual(await last(3), [32, 33, 34]);
  assert.deepEqual(await last(17), numbers(18, 35));
  assert.deepEqual(await last(1000), numbers(0, 35));
  assert.deepEqual(await last(2, (line) => Number(line) % 10 === 0), [20, 30]);
  assert.deepEqual(await last(0), []);
});

Deno.test("where nothing was ever logged there is nothing to read", async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "logs");
  assert.deepEqual(await collect(readLog({ folder, wanted: EVERYTHING, last: 5 })), []);
  assert.deepEqual(await lastLines(join(folder, "worker.log"), 5), []);
});

Deno.test("a line that a crash has cut off is read as well", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "worker.log"), "1\n2");
  assert.deepEqual(await collect(readLog({ folder: dir.path, wanted: EVERYTHING })), [1, 2]);
});

Deno.test("following goes on across rotations, and shows every line once", async () => {
  await using dir = await tempDir();
  const { file, write } = writer(dir.path);
  write(0, 5);
  const stop = new AbortController();
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  const seen: number[] = [];
  let written = 5;
  for await (
    const line of readLog({
      folder: dir.path,
      wanted: EVERYTHING,
      last: 2,
      follow: { signal: stop.signal, clock },
    })
  ) {
    seen.push(Number(line));
    if (written < 100) write(written, written += 13);
    else if (seen.at(-1) === written - 1) stop.abort();
  }
  file.close();
  assert.deepEqual(seen, numbers(3, written));
});

Deno.test("following waits for a log that is not there yet", async () => {
  await using dir = await tempDir();
  const stop = new AbortController();
  const { file, write } = writer(dir.path);
  const clock = {
    ...systemClock,
    sleep(_ms: number, signal?: AbortSignal) {
      write(0, 1);
      return systemClock.sleep(1, signal);
    },
  };
  for await (
    const line of readLog({
      folder: dir.path,
      wanted: EVERYTHING,
      last: 2,
      follow: { signal: stop.signal, clock },
    })
  ) {
    assert.equal(line.trim(), "0");
    stop.abort();
  }
  file.close();
});
