/** A scheduler in a process whose clock libfaketime really sets, as sleep, a person or a time server would. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { faketimeEnv, findFaketime, tidyFaketime } from "../../scripts/chaos/faketime.ts";
import { setClock } from "../../scripts/chaos/faults.ts";
import { selfCommand } from "../daemon/self.ts";
import { cliEnvironment } from "../testing/cli.ts";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { TextLineStream } from "../testing/lines.ts";
import { tempDir } from "../testing/temp.ts";

/** An hour longer than until its `once` is due. */
const SLEPT_SECONDS = 86_400;
/** A line is waited for no longer. */
const PATIENCE_MS = 150_000;

const library = await findFaketime();
if (!library && Deno.env.get("ACTP_REQUIRE_REAL") === "1") {
  throw new Error("libfaketime is not installed, and ACTP_REQUIRE_REAL=1 forbids skipping");
}

interface Fired {
  readonly id: string;
  readonly due: string;
  readonly at: string;
}

Deno.test({
  name: "a clock that leaps a day and back again loses no routine, and doubles none",
  ignore: !library,
  async fn() {
    await using folder = await tempDir();
    const clock = join(folder.path, "clock");
    await setClock(clock, 0);
    await placeEmbedded(join(folder.path, "db"));
    const main = fileURLToPath(new URL("../testing/schedule_process.ts", import.meta.url));
    const { program, args } = selfCommand([join(folder.path, "db")], { main });
    await using child = new Deno.Command(program, {
      args,
      env: { ...cliEnvironment(folder.path), ...faketimeEnv(library!, clock) },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const giveUp = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())[
      Symbol.asyncIterator
    ]();
    const fired: Fired[] = [];
    /** Reads on until a run of the routine for which `wanted` holds. */
    const next = async (id: string, wanted: (run: Fired) => boolean = () => true): Promise<Fired> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`no run of ${id}; so far: ${JSON.stringify(fired)}`);
        const run: Fired = JSON.parse(value);
        fired.push(run);
        if (run.id === id && wanted(run)) return run;
      }
    };
    const late = ({ due, at }: Fired) => Date.parse(at) - Date.parse(due);

    await next("often");
    await setClock(clock, SLEPT_SECONDS);
    const once = await next("once");
    assert.ok(Math.abs(late(once) - 3_600_000) < 60_000, JSON.stringify(once));
    const ahead = await next("often");
    await setClock(clock, 0);
    const back = await next("often", ({ due }) => Date.parse(due) < Date.parse(ahead.due) - 3_600_000);
    assert.ok(late(back) < 10_000, JSON.stringify(back));
    await next("often");
    const keys = fired.map(({ id, due }) => `${id} ${due}`);
    assert.equal(new Set(keys).size, keys.length);

    await child.stdin.close();
    for (let line = await lines.next(); !line.done; line = await lines.next());
    await child.status;
    clearTimeout(giveUp);
    await tidyFaketime(child.pid);
  },
});
