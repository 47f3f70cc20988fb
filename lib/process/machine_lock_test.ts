import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { until } from "../testing/until.ts";
import { machineLockFolder, withMachineLock } from "./machine_lock.ts";

const never = new AbortController().signal;

/** Another process that takes the lock, says so, and holds it until it is killed. */
async function otherHolder(folder: string): Promise<Deno.ChildProcess> {
  const module = new URL("machine_lock.ts", import.meta.url).href;
  const script = `import { withMachineLock } from ${JSON.stringify(module)};
    await withMachineLock("safari", new AbortController().signal, async () => {
      console.log("holding");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }, { folder: ${JSON.stringify(folder)} });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "-q", script],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const chunk of child.stdout) {
    assert.equal(new TextDecoder().decode(chunk).trim(), "holding");
    break;
  }
  return child;
}

Deno.test("only one holds a lock at a time, and the work's result and error come through", async () => {
  await using folder = await tempDir();
  const options = { folder: folder.path };
  let inside = 0;
  let most = 0;
  const work = async (): Promise<number> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return inside--;
  };
  const results = await Promise.all([1, 2, 3].map(() => withMachineLock("safari", never, work, options)));
  assert.deepEqual(results, [1, 1, 1]);
  assert.equal(most, 1);
  const failing = withMachineLock(
    "safari",
    never,
    () => Promise.reject(new Error("the work failed")),
    options,
  );
  await assert.rejects(failing, /the work failed/);
  assert.equal(await withMachineLock("safari", never, work, options), 1);
});

Deno.test("locks of different names do not wait for each other", async () => {
  await using folder = await tempDir();
  const options = { folder: folder.path };
  const inner = () => withMachineLock("second", never, () => Promise.resolve("both"), options);
  assert.equal(await withMachineLock("first", never, inner, options), "both");
});

Deno.test("a lock that another process holds is waited for, told once, and free as soon as that process is killed", async () => {
  await using folder = await tempDir();
  const other = await otherHolder(folder.path);
  let waits = 0;
  let worked = false;
  const waiting = withMachineLock("safari", never, () => {
    worked = true;
    return Promise.resolve("mine");
  }, { folder: folder.path, onWait: () => waits++ });
  await until("it waits", () => waits === 1);
  assert.equal(worked, false);
  other.kill("SIGKILL");
  await other.status;
  assert.equal(await waiting, "mine");
  assert.equal(waits, 1);
});

Deno.test("whoever waits for a lock can be called off, and then does not do the work", async () => {
  await using folder = await tempDir();
  const options = { folder: folder.path };
  const stop = new AbortController();
  await withMachineLock("safari", never, async () => {
    const waiting = withMachineLock("safari", stop.signal, () => assert.fail("it was called off"), {
      ...options,
      onWait: () => stop.abort(new Error("cancelled")),
    });
    await assert.rejects(waiting, /cancelled/);
  }, options);
  await assert.rejects(
    withMachineLock("safari", stop.signal, () => assert.fail("too late"), options),
    /cancelled/,
  );
});

Deno.test("a lock's folder is for its owner only, and its name cannot lead elsewhere", async () => {
  await using folder = await tempDir();
  const options = { folder: join(folder.path, "locks") };
  await withMachineLock("safari", never, () => Promise.resolve(), options);
  assert.equal((await Deno.stat(join(options.folder, "safari"))).mode! & 0o777, 0o700);
  for (const name of ["", "..", "a/b", "A", "a".repeat(64)]) {
    await assert.rejects(
      withMachineLock(name, never, () => Promise.resolve(), options),
      /cannot name a lock/,
    );
  }
});

Deno.test("locks lie in the person's own state folder, whatever the worker's home folder is", () => {
  assert.equal(
    machineLockFolder({ HOME: "/Users/jane", XDG_STATE_HOME: "/x" }, "darwin"),
    "/Users/jane/Library/Application Support/actp-worker/locks",
  );
  assert.equal(
    machineLockFolder({ HOME: "/home/jane" }, "linux"),
    "/home/jane/.local/state/actp-worker/locks",
  );
  assert.equal(machineLockFolder({ HOME: "/h", XDG_STATE_HOME: "/x" }, "linux"), "/x/actp-worker/locks");
  assert.equal(
    machineLockFolder({ HOME: "/h", XDG_STATE_HOME: "rel" }, "linux"),
    "/h/.local/state/actp-worker/locks",
  );
  assert.throws(() => machineLockFolder({}, "linux"), /HOME is not set/);
});
