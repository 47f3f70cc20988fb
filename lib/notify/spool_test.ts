import assert from "node:assert/strict";
import { join } from "node:path";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { openSpool, type Spooled } from "./spool.ts";

function waiting(id: string): Spooled {
  return {
    notification: { id, kind: "k", severity: "alert", title: id, text: "x", data: { n: 1 } },
    deliveries: [{ channel: "telegram", delaySeconds: 5, dedupeSeconds: 0 }],
    raisedAt: 1000,
  };
}

Deno.test("what waits is there again after a crash, oldest first, until it is removed", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "spool");
  const first = openSpool(path);
  for (const id of ["b", "a", "c"]) first.add(waiting(id));
  first.remove("a");
  // Not closed, as when the process is killed: another one reads what is on the disk.
  const next = openSpool(path);
  assert.deepEqual(next.all(), [waiting("b"), waiting("c")]);
  next.add(waiting("b"));
  assert.equal(next.all().length, 2);
  next.close();
  first.close();
});

Deno.test("a damaged spool is set aside, and told", async () => {
  await using dir = await tempDir();
  await using log = capturedLog();
  const path = join(dir.path, "spool");
  await Deno.writeTextFile(path, "no database at all, but long enough to look at".repeat(50));
  const spool = openSpool(path, fakeClock(Date.UTC(2026, 0, 1)));
  assert.deepEqual(spool.all(), []);
  spool.close();
  assert.match(log.messages("notify").join(), /is damaged: .*set aside as .*\.corrupt-2026-01-01T000000000Z/);
  assert.ok((await Deno.stat(`${path}.corrupt-2026-01-01T000000000Z`)).isFile);
});
