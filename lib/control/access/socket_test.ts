import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../testing/temp.ts";
import { socketAccess } from "./socket.ts";

async function served(path: string, work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const running = socketAccess({ path, answer: () => new Response("hello"), onListen: listening.resolve })
    .run(stop.signal);
  try {
    await Promise.race([listening.promise, running]);
    await work();
  } finally {
    stop.abort();
    await running;
  }
}

async function ask(path: string): Promise<string> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return await (await fetch("http://localhost/", { client })).text();
}

Deno.test("the socket is its owner's alone, answers, and is gone afterwards", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "s");
  await served(path, async () => {
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.equal(await ask(path), "hello");
  });
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  await Deno.writeTextFile(join(dir.path, "after"), "");
  assert.equal((await Deno.stat(join(dir.path, "after"))).mode! & 0o600, 0o600, "the mask is as it was");
});

Deno.test("a socket that a killed worker left behind is taken over", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "s");
  const code = `Deno.listen({transport: "unix", path: ${
    JSON.stringify(path)
  }}); Deno.kill(Deno.pid, "SIGKILL")`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  assert.ok((await Deno.lstat(path)).isSocket);
  await served(path, async () => assert.equal(await ask(path), "hello"));
});

Deno.test("what is no socket, a link, and a socket that somebody listens at stay as they are", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "s");
  await Deno.writeTextFile(join(dir.path, "file"), "mine");
  await Deno.symlink(join(dir.path, "file"), join(dir.path, "link"));
  for (const name of ["file", "link"]) {
    await assert.rejects(
      served(join(dir.path, name), () => Promise.resolve()),
      /is no socket.*WORKER_CONTROL_SOCKET/,
    );
  }
  assert.equal(await Deno.readTextFile(join(dir.path, "file")), "mine");
  await served(path, async () => {
    await assert.rejects(served(path, () => Promise.resolve()), /Another program listens/);
    assert.equal(await ask(path), "hello");
  });
});
