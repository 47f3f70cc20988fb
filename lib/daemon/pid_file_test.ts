import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import {
  AlreadyRunningError,
  claimHome,
  type DaemonRecord,
  findDaemon,
  heldByUnknown,
  readDaemonRecord,
} from "./pid_file.ts";
import { bootId, isRunning, ownProcess, processIdentity, signalProven } from "./process_identity.ts";

const record = async (more: Partial<DaemonRecord> = {}): Promise<DaemonRecord> => ({
  ...await ownProcess(),
  startedAt: "2026-01-01T00:00:00.000Z",
  version: "1.0.0",
  workerId: "w",
  ...more,
});

Deno.test("one process at a time holds a home folder, and says who it is in a private file", async () => {
  await using dir = await tempDir();
  const claim = await claimHome(dir.path);
  claim.update(await record({ healthPort: 1 }));
  await assert.rejects(claimHome(dir.path), (error: Error) => {
    assert.ok(error instanceof AlreadyRunningError);
    assert.match(error.message, new RegExp(`pid ${Deno.pid}, since 2026-01-01`));
    return true;
  });
  assert.equal((await findDaemon(dir.path))?.healthPort, 1);
  assert.equal((await Deno.stat(join(dir.path, "worker.pid"))).mode! & 0o777, 0o600);
  await claim.release();
  assert.equal(await readDaemonRecord(dir.path), undefined);
  await (await claimHome(dir.path)).release();
});

Deno.test("a file that outlived its writer is what the next one finds, and names no daemon", async () => {
  await using dir = await tempDir();
  const dead = await record({ identity: "an earlier process with our pid" });
  await Deno.writeTextFile(join(dir.path, "worker.pid"), JSON.stringify(dead));
  assert.equal(await findDaemon(dir.path), undefined);
  const claim = await claimHome(dir.path);
  assert.deepEqual(claim.leftover, dead);
  await claim.release();
});

Deno.test("a file that is cut off or names no process is no record", async () => {
  await using dir = await tempDir();
  for (
    const text of [
      "",
      "{",
      `{"pid": 7}`,
      `{"pid": 1, "identity": "x"}`,
      `{"pid": "7", "identity": "x"}`,
      "null",
    ]
  ) {
    await Deno.writeTextFile(join(dir.path, "worker.pid"), text);
    assert.equal(await readDaemonRecord(dir.path), undefined, text);
  }
});

Deno.test("a home that is held though no file says by whom is told apart from a free one", async () => {
  await using dir = await tempDir();
  assert.equal(await heldByUnknown(join(dir.path, "missing")), false);
  assert.equal(await heldByUnknown(dir.path), false);
  const claim = await claimHome(dir.path);
  assert.equal(await heldByUnknown(dir.path), true);
  claim.update(await record());
  assert.equal(await heldByUnknown(dir.path), false);
  await claim.release();
});

Deno.test("a process is known by when it started, so that its pid in other hands is not it", async () => {
  await using child = new Deno.Command("sleep", { args: ["600"] }).spawn();
  const identity = (await processIdentity(child.pid))!;
  assert.equal(await processIdentity(child.pid), identity);
  assert.notEqual(identity, (await ownProcess()).identity);
  assert.ok(identity.startsWith(`${await bootId()}:`));
  assert.equal(await signalProven({ pid: child.pid, identity: "other" }, "SIGKILL"), false);
  assert.equal(await isRunning({ pid: child.pid, identity }), true);
  assert.equal(await signalProven({ pid: child.pid, identity }, "SIGKILL"), true);
  await child.status;
  assert.equal(await processIdentity(child.pid), undefined);
  assert.equal(await signalProven({ pid: child.pid, identity }, "SIGKILL"), false);
});
