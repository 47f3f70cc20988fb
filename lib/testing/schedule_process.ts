/**
 * A scheduler as a process of its own, on an embedded database that has been migrated, for tests that set its clock: `schedule_process.ts FOLDER`.
 * Prints a JSON line for each run: {id, due, at}. `often` runs every second, `once` after 23 hours. Ends when its standard input does.
 */
import { systemClock } from "../clock.ts";
import { openEmbedded } from "../database/embedded.ts";
import { Scheduler } from "../schedule/scheduler.ts";
import { routine } from "./schedule_bench.ts";

const database = await openEmbedded(Deno.args[0]!);
const print = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const scheduler = new Scheduler({
  database,
  workerId: "w",
  clock: systemClock,
  routines: [
    routine({ id: "often", schedule: { everySeconds: 1 } }),
    routine({ id: "once", schedule: { at: new Date(systemClock.now() + 23 * 3_600_000).toISOString() } }),
  ],
  actions: {
    task: ({ id }, { dueAt }) =>
      Promise.resolve(print(JSON.stringify({ id, due: dueAt.toISOString(), at: new Date().toISOString() }))),
  },
  timeZone: "UTC",
  drainMs: 0,
});
const stop = new AbortController();
const running = scheduler.run(stop.signal);
for await (const _ of Deno.stdin.readable);
stop.abort();
await running;
await database.close();
