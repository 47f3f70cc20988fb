import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { liveness, type Pulse, turnPulse } from "./liveness.ts";
import {
  extendedWhile,
  notifyMessage,
  openServiceNotify,
  type ServiceNotify,
  socketPath,
  watchdogMs,
} from "./service_notify.ts";

Deno.test("a message is one NAME=value line each, and no value can forge another", () => {
  assert.equal(notifyMessage({ READY: 1, STATUS: "fine\nWATCHDOG=1" }), "READY=1\nSTATUS=fine WATCHDOG=1");
});

Deno.test("an abstract address begins with NUL, as the system wants it", () => {
  assert.equal(socketPath("@/org/x"), "\0/org/x");
  assert.equal(socketPath("/run/notify"), "/run/notify");
});

Deno.test("the watchdog's time counts only where it is meant for this process", () => {
  assert.equal(watchdogMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 7), 60_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: "60000000" }, 7), 60_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, 7), undefined);
  for (const usec of [undefined, "", "0", "soon"]) {
    assert.equal(watchdogMs({ WATCHDOG_USEC: usec }, 7), undefined);
  }
});

Deno.test("without a service manager nothing is sent and nothing fails", async () => {
  await using notify = await openServiceNotify({ env: {} });
  await notify.ready("x");
  await notify.alive();
  assert.equal(notify.watchdogMs, undefined);
});

Deno.test({
  name: "every message reaches the socket that NOTIFY_SOCKET names",
  ignore: Deno.build.os !== "linux" || typeof Deno.listenDatagram !== "function",
  async fn() {
    await using dir = await tempDir();
    const path = join(dir.path, "notify");
    await using cleanup = new AsyncDisposableStack();
    const manager = Deno.listenDatagram({ transport: "unixpacket", path });
    cleanup.defer(() => manager.close());
    await using notify = await openServiceNotify({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "3000000" } });
    const heard = async () => new TextDecoder().decode((await manager.receive())[0]);
    await notify.ready("up");
    assert.equal(await heard(), "READY=1\nSTATUS=up");
    await notify.alive();
    assert.equal(await heard(), "WATCHDOG=1");
    await notify.reloading();
    const uptime = Number(
      (await new Deno.Command("cat", { args: ["/proc/uptime"] }).output().then(({ stdout }) =>
        new TextDecoder().decode(stdout)
      )).split(" ")[0],
    );
    const usec = Number(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(await heard())![1]);
    assert.ok(Math.abs(usec / 1e6 - uptime) < 1, `${usec} against ${uptime} s`);
    await notify.extend(90_000);
    assert.equal(await heard(), "EXTEND_TIMEOUT_USEC=90000000");
    await notify.stopping("draining");
    assert.equal(await heard(), "STOPPING=1\nSTATUS=draining");
    assert.equal(notify.watchdogMs, 3000);
  },
});

Deno.test("a start that takes long asks for time until it is over", async () => {
  const clock = fakeClock();
  const asked: number[] = [];
  const work = Promise.withResolvers<string>();
  const notify = { extend: (ms: number) => Promise.resolve(void asked.push(ms)) };
  const result = extendedWhile(notify, work.promise, clock);
  await clock.advance(45_000);
  assert.deepEqual(asked, [60_000, 60_000]);
  work.resolve("up");
  assert.equal(await result, "up");
  assert.equal(clock.pending(), 0);
  await assert.rejects(extendedWhile(notify, Promise.reject(new Error("no")), clock), /no/);
});

function watched(pulses: readonly Pulse[]) {
  const clock = fakeClock();
  let beats = 0;
  const nothing = () => Promise.resolve();
  const notify: ServiceNotify = {
    watchdogMs: 60_000,
    ready: nothing,
    reloading: nothing,
    stopping: nothing,
    status: nothing,
    extend: nothing,
    alive: () => Promise.resolve(void beats++),
    [Symbol.asyncDispose]: nothing,
  };
  const stop = new AbortController();
  const running = liveness({ notify, pulses, clock }).run(stop.signal);
  return {
    clock,
    beats: () => beats,
    async stop() {
      stop.abort();
      await clock.advance(0);
      await running;
    },
  };
}

Deno.test("the watchdog is fed three times in its period while every part gets on", async () => {
  const { clock, beats, stop } = watched([{ name: "a", stalled: () => Promise.resolve(undefined) }]);
  await clock.advance(60_000);
  assert.equal(beats(), 4);
  await stop();
});

Deno.test("it is not fed while a part stands still, and again when that goes on", async () => {
  let reason: string | undefined = "stuck";
  const { clock, beats, stop } = watched([
    { name: "well", stalled: () => Promise.resolve(undefined) },
    { name: "ill", stalled: () => Promise.resolve(reason) },
  ]);
  await clock.advance(59_000);
  assert.equal(beats(), 0);
  reason = undefined;
  await clock.advance(20_000);
  assert.equal(beats(), 1);
  await stop();
});

Deno.test("a part that throws or does not answer counts as standing still", async () => {
  for (const stalled of [() => Promise.reject(new Error("no")), () => new Promise<undefined>(() => {})]) {
    const { clock, beats, stop } = watched([{ name: "a", stalled }]);
    await clock.advance(90_000);
    assert.equal(beats(), 0);
    await stop();
  }
});

Deno.test("a loop that waits long on purpose is not late before its turn", async () => {
  const clock = fakeClock();
  const pulse = turnPulse("scheduler", () => 300_000, 60_000, clock);
  const look = () => pulse.stalled(new AbortController().signal);
  await clock.advance(359_000);
  assert.equal(await look(), undefined);
  await clock.advance(2_000);
  assert.equal(await look(), "its turn has been due for 61 s");
});
