import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isAlive } from "./process_tree.ts";
import { onFreePort, startServerProcess } from "./server_process.ts";
import { tempDir } from "./temp.ts";

const MODULE = import.meta.resolve("./server_process.ts");
const COMMAND = { program: "sleep", args: ["600"], env: {} };

Deno.test("what a killed test started is ended and its folder removed, even while paused", async () => {
  const dir = await tempDir();
  const test = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "-"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = test.stdin.getWriter();
  await input.write(new TextEncoder().encode(`
    import { startServerProcess } from ${JSON.stringify(MODULE)};
    const server = await startServerProcess({ ...${
    JSON.stringify({ ...COMMAND, folder: dir.path })
  }, isReady: async () => true });
    await server.pause();
    await Deno.stdout.write(new TextEncoder().encode(String(server.pid)));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  `));
  await input.close();
  const reader = test.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  assert.ok(await isAlive(pid));
  test.kill("SIGKILL");
  await test.status;
  await reader.cancel();
  for (let tries = 0; tries < 500 && (await isAlive(pid) || await exists(dir.path)); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(await isAlive(pid), false);
  assert.equal(await exists(dir.path), false);
});

Deno.test("a server that ends at once is reported with what it printed", async () => {
  await using dir = await tempDir();
  const command = {
    program: "ls",
    args: ["/nowhere"],
    env: {},
    folder: dir.path,
    isReady: () => Promise.resolve(false),
  };
  await assert.rejects(startServerProcess(command), /ls ended at start: .*nowhere/);
  await assert.rejects(startServerProcess({ ...command, program: "no-such-program" }), /no-such-program/);
});

Deno.test("a port that is taken between its choice and its use is given up for another", async () => {
  const ports: number[] = [];
  const port = await onFreePort((port) => {
    ports.push(port);
    if (ports.length < 3) return Promise.reject(new Error("bind: Address already in use"));
    return Promise.resolve(port);
  });
  assert.deepEqual([ports.length, ports[2]], [3, port]);
});

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
