import assert from "node:assert/strict";
import { type Command, startHost, until } from "./host.ts";

const SERVE = import.meta.resolve("./peers/host.mjs");

/** A host whose commands are the given JavaScript. */
function host(commands: string, signal?: AbortSignal): Command {
  const program =
    `import { handler, inBatches, serve } from "${SERVE}"; console.log("noise"); await serve({${commands}})`;
  return {
    program: Deno.execPath(),
    args: ["eval", "-q", "--no-config", program],
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "" },
    cwd: "/",
    signal,
  };
}

Deno.test("a host answers commands, passes on their errors and ignores what a library prints", async () => {
  await using child = await startHost(
    host("async twice({n}) { return n * 2 }, async fail() { throw new Error('no') }"),
  );
  assert.equal(await child.ask("twice", { n: 21 }), 42);
  await assert.rejects(child.ask("fail"), /Error: no/);
});

Deno.test("a killed host ends what was asked of it and what waits for it", async () => {
  await using child = await startHost(host("hang: () => new Promise(() => {})"));
  const asked = assert.rejects(child.ask("hang"), /the host ended/);
  const waiting = assert.rejects(until("nothing", [child], () => false, 60_000), /a process ended/);
  await child.kill();
  await Promise.all([asked, waiting]);
});

Deno.test("a stopped benchmark kills its hosts", async () => {
  const stop = new AbortController();
  await using child = await startHost(host("hang: () => new Promise(() => {})", stop.signal));
  const asked = assert.rejects(child.ask("hang"), /the host ended/);
  stop.abort();
  await asked;
});

Deno.test("a program that is not there is an error, not a wait", async () => {
  await assert.rejects(startHost({ ...host(""), program: "/no/such/program" }), /ENOENT|No such file/);
});

Deno.test("a command without an answer runs into its limit", async () => {
  await using child = await startHost(host("hang: () => new Promise(() => {})"));
  await assert.rejects(child.ask("hang", {}, 20), /no answer to hang within 0.02 s/);
});

Deno.test("the counting handler tells how many tasks have run and when the first began", async () => {
  await using child = await startHost(host(`async work() { const ran = handler("count"); ran(1); ran(2) }`));
  await child.ask("work");
  await until(
    "the count",
    [child],
    () => child.events.some((event) => event.event === "ran" && event.count === 2),
    10_000,
  );
  const told = child.events.find((event) => event.event === "ran");
  assert.ok(told && Math.abs(told.firstAt - Date.now()) < 10_000);
});

Deno.test("bulk goes in batches and ends with a smaller one", async () => {
  await using child = await startHost(
    host(
      "async bulk() { const sizes = []; await inBatches({count: 5, batch: 2}, (keys) => void sizes.push(keys)); return sizes }",
    ),
  );
  assert.deepEqual(await child.ask("bulk"), [[0, 1], [2, 3], [4]]);
});
