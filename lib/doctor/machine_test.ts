/** The checks that look at this machine: home folder, disks, ports, executors. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import type { Availability, Executor } from "../task/task.ts";
import { tempDir } from "../testing/temp.ts";
import { diskCheck, judgeDisk } from "./disk.ts";
import { executorChecks } from "./executors.ts";
import { homeCheck } from "./home.ts";
import { portChecks } from "./ports.ts";

const GIB = 2 ** 30;

Deno.test("a private home folder is fine, and so is one that is not there yet", async () => {
  await using dir = await tempDir();
  assert.deepEqual(await homeCheck(dir.path).run(), { status: "ok", detail: dir.path });
  const missing = await homeCheck(join(dir.path, "none")).run();
  assert.equal(missing.status, "ok");
  assert.match(missing.detail, /will be made/);
});

Deno.test("a home folder that others can enter is a warning, a token that they can read a failure", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "token"), "x", { mode: 0o600 });
  await Deno.chmod(dir.path, 0o755);
  const open = await homeCheck(dir.path).run();
  assert.deepEqual([open.status, open.fix], ["warn", `chmod 700 ${dir.path}`]);
  await Deno.chmod(join(dir.path, "token"), 0o644);
  const leaking = await homeCheck(dir.path).run();
  assert.deepEqual([leaking.status, leaking.fix], ["fail", `chmod 600 ${join(dir.path, "token")}`]);
});

Deno.test("a file in the place of the home folder is a failure", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "file");
  await Deno.writeTextFile(path, "");
  assert.match((await homeCheck(path).run()).detail, /is no folder/);
});

Deno.test("the fullest disk decides: enough, tight, or too little to claim anything", () => {
  const rooms = (free: number) => [{ folder: "/a", free: 900 * GIB }, { folder: "/b", free }];
  assert.deepEqual(judgeDisk(rooms(5 * GIB), GIB), { status: "ok", detail: "5.0 GiB free for /b" });
  assert.match(judgeDisk(rooms(1.5 * GIB), GIB).detail, /it gets tight, 1\.0 GiB are needed/);
  const full = judgeDisk(rooms(GIB / 2), GIB);
  assert.equal(full.status, "fail");
  assert.match(full.detail, /nothing is claimed/);
});

Deno.test("the disk of a folder that does not exist yet is that of the folder above", async () => {
  await using dir = await tempDir();
  const { status, detail } = await diskCheck([join(dir.path, "a", "b")], 0).run();
  assert.equal(status, "ok");
  assert.match(detail, /GiB free for .*\/a\/b$/);
});

Deno.test("a port is free, ours, left to the system, or taken by another program", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const look = async (port: number, ours?: number) => {
    const [check] = portChecks("127.0.0.1", [{
      name: "control port",
      port,
      setting: "WORKER_HEALTH_PORT",
      ours,
    }]);
    return await check!.run();
  };
  assert.equal((await look(0)).detail, "a free one is taken");
  assert.equal((await look(port, port)).detail, `this worker listens on ${port}`);
  assert.equal((await look(0, port)).detail, `this worker listens on ${port}`);
  const taken = await look(port);
  assert.deepEqual([taken.status, taken.detail], ["fail", `another program uses port ${port}`]);
  assert.match(taken.fix!, /set WORKER_HEALTH_PORT to another port/);
  listener.close();
  assert.equal((await look(port)).detail, `${port} is free`);
});

Deno.test("an executor that cannot work here is a warning, one of the owner's own that is broken a failure", async () => {
  const executor = (type: string, availability: Availability): Executor => ({
    type,
    description: "",
    input: z.any(),
    check: () => Promise.resolve(availability),
    run: () => Promise.resolve(null),
  });
  const checks = executorChecks([
    executor("a", { available: true, version: "5.1" }),
    executor("b", { available: true }),
    executor("c", { available: false, reason: "no tool", fix: "get it" }),
  ], [{ file: "/x/bad.ts", reason: "its run must be a function" }]);
  assert.deepEqual(checks.map(({ name }) => name), ["a", "b", "c", "own executor"]);
  assert.deepEqual(await Promise.all(checks.map(({ run }) => run())), [
    { status: "ok", detail: "5.1" },
    { status: "ok", detail: "available" },
    { status: "warn", detail: "no tool", fix: "get it" },
    { status: "fail", detail: "/x/bad.ts: its run must be a function" },
  ]);
});
