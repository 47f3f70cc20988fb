import assert from "node:assert/strict";
import { join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { tempDir } from "../testing/temp.ts";
import { keepDaemon } from "./keeper.ts";
import { claimKeeper, findKeeper } from "./keeper_file.ts";
import { processIdentity } from "./process_identity.ts";

/** Keeps a shell script that appends a line to `runs` and then does what the test says; back-off takes no time. */
async function keeping(home: string, script: string, sleep?: Clock["sleep"]) {
  const delays: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      if (ms < 1000) return systemClock.sleep(Math.min(ms, 10), signal); // looking for readiness
      delays.push(ms);
      return sleep?.(ms, signal) ?? Promise.resolve();
    },
  };
  const runs = join(home, "runs");
  await Deno.writeTextFile(runs, "");
  const running = keepDaemon({
    home,
    args: ["--worker-id", "w"],
    daemon: { program: "sh", args: ["-c", `echo run >> "$0"; ${script}`, runs] },
    clock,
    beforeStart: () => Promise.resolve(),
  });
  const count = async () => (await Deno.readTextFile(runs)).split("\n").length - 1;
  return { running, delays, count };
}

/** What a script does to look like a daemon that has come up: its PID file says so. */
const COME_UP = (home: string, ownPid = "$$") =>
  `boot=$(cat /proc/sys/kernel/random/boot_id); ticks=$(sed 's/.*) //' /proc/${ownPid}/stat | cut -d' ' -f20);
   echo "{\\"pid\\": $$, \\"identity\\": \\"$boot:$ticks\\", \\"controlPort\\": 1, \\"healthPort\\": 2}" > "${home}/worker.pid"; sleep 0.5;`;
const ignore = Deno.build.os !== "linux";

Deno.test("a program that does not come up is not started again, and its exit code is told on", async () => {
  await using dir = await tempDir();
  await using log = capturedLog();
  const { running, count } = await keeping(dir.path, "exit 7");
  assert.equal(await running, 7);
  assert.equal(await count(), 1);
  assert.match(log.messages("keeper").join(), /ended with exit code 7: it did not come up/);
});

Deno.test({
  name: "one that came up is started again after each crash, later each time, until its end is final",
  ignore,
  async fn() {
    await using dir = await tempDir();
    await using log = capturedLog();
    const script = `n=$(wc -l < "$0"); ${COME_UP(dir.path)} [ $n -lt 4 ] && kill -KILL $$; exit 78`;
    const { running, delays, count } = await keeping(dir.path, script);
    assert.equal(await running, 78);
    assert.equal(await count(), 4);
    assert.deepEqual(delays, [1000, 2000, 4000]);
    assert.equal(log.messages("keeper").filter((message) => /died of SIGKILL/.test(message)).length, 3);
    assert.equal(await findKeeper(dir.path), undefined);
  },
});

Deno.test({
  name: "while it waits to start again it can be found, tells when, and is stopped by TERM",
  ignore,
  async fn() {
    await using dir = await tempDir();
    await using _log = capturedLog();
    const waiting = Promise.withResolvers<void>();
    const { running, count } = await keeping(dir.path, `${COME_UP(dir.path)} exit 1`, (ms, signal) => {
      waiting.resolve();
      return systemClock.sleep(ms * 1000, signal);
    });
    await waiting.promise;
    const keeper = (await findKeeper(dir.path))!;
    assert.deepEqual([keeper.pid, keeper.identity], [Deno.pid, await processIdentity(Deno.pid)]);
    assert.deepEqual([keeper.crashes, keeper.lastEnd, keeper.args], [1, "exit code 1", ["--worker-id", "w"]]);
    assert.ok(Date.parse(keeper.nextStartAt!) > Date.parse(keeper.lastEndAt!));
    Deno.kill(Deno.pid, "SIGTERM");
    assert.equal(await running, 0);
    assert.equal(await count(), 1);
  },
});

Deno.test("TERM is passed on, and what then ends is not started again whatever its exit code", async () => {
  await using dir = await tempDir();
  await using _log = capturedLog();
  const ready = join(dir.path, "ready");
  const { running, count } = await keeping(
    dir.path,
    `trap 'exit 9' TERM; touch "${ready}"; while :; do sleep 0.05; done`,
  );
  while (!await Deno.stat(ready).then(() => true, () => false)) await systemClock.sleep(10);
  Deno.kill(Deno.pid, "SIGTERM");
  assert.equal(await running, 9);
  assert.equal(await count(), 1);
});

Deno.test("a second keeper of a home folder ends with 75 and starts nothing", async () => {
  await using dir = await tempDir();
  await using _log = capturedLog();
  const claim = (await claimKeeper(dir.path))!;
  const { running, count } = await keeping(dir.path, "exit 0");
  assert.equal(await running, 75);
  assert.equal(await count(), 0);
  await claim.release();
});
