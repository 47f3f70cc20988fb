import assert from "node:assert/strict";
import { systemClock } from "../clock.ts";
import { isAlive } from "../testing/process_tree.ts";
import { endOrphans, homeMark } from "./orphans.ts";
import { TREE_VARIABLE } from "./tree.ts";

function sleeper(tag: string): Deno.ChildProcess {
  return new Deno.Command("sleep", {
    args: ["300"],
    env: { PATH: Deno.env.get("PATH")!, [TREE_VARIABLE]: tag },
    clearEnv: true,
    stdin: "null",
  }).spawn();
}

Deno.test("programs that carry the home's mark are ended, those of another home are not", async () => {
  const mark = homeMark(`/home/${crypto.randomUUID()}`);
  const ours = sleeper(`${mark},${crypto.randomUUID()}`);
  const other = sleeper(homeMark(`/home/${crypto.randomUUID()}`));
  assert.equal(await endOrphans(mark, systemClock), 1);
  assert.equal((await ours.status).signal, "SIGTERM");
  assert.equal(await isAlive(other.pid), true);
  other.kill("SIGKILL");
  await other.status;
});

Deno.test("where nothing carries the mark nothing happens", async () => {
  assert.equal(await endOrphans(homeMark(`/home/${crypto.randomUUID()}`), systemClock), 0);
});
