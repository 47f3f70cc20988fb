/** Schedulers under test: a real PostgreSQL whose idea of the time is the test's, and as many workers as wanted on it. */
import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { openPostgres } from "../database/postgres.ts";
import {
  type Actions,
  type Routine,
  ROUTINE_DEFAULTS,
  type RunAction,
  type RunContext,
} from "../schedule/routine.ts";
import { Scheduler, type SchedulerOptions } from "../schedule/scheduler.ts";
import { capturedLog } from "./captured_log.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { startPostgres } from "./postgres_server.ts";

/** A routine with the usual settings, that puts a task into the queue unless told otherwise. */
export function routine(fields: Partial<Routine> & Pick<Routine, "id" | "schedule">): Routine {
  return {
    description: "",
    action: { kind: "task", task_type: "echo", input: {} },
    ...ROUTINE_DEFAULTS,
    ...fields,
  };
}

/** An action that keeps what it was given; it ends at once unless `work` says otherwise. */
export function recorder(work: RunAction = () => Promise.resolve({ ok: true })) {
  const ran: { id: string; run: RunContext }[] = [];
  const task: RunAction = (routine, run) => {
    ran.push({ id: routine.id, run });
    return work(routine, run);
  };
  return { ran, actions: { task } as Actions, times: () => ran.map(({ run }) => run.dueAt.toISOString()) };
}

/** A run as `actp_list_routine_runs` tells of it, in part. Times are ISO 8601. */
export interface RunRow {
  readonly id: string;
  readonly routine_id: string;
  readonly due_at: string;
  readonly status: string;
  readonly worker_id: string | null;
  readonly started_at: string | null;
  readonly error: string | null;
  readonly result: unknown;
  readonly by_hand: boolean;
  readonly missed_count?: number;
}

/** One worker's scheduler, running. */
export interface TestWorker {
  readonly scheduler: Scheduler;
  /** The database cannot be reached any more, as for others when a worker is killed. */
  cut(): void;
  /** Ends it in good order; time passes meanwhile. */
  stop(): Promise<void>;
}

/** A migrated database and its workers; disposal stops them all. */
export interface ScheduleBench extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly database: Database;
  /** Starts a worker, whose own clock is `skewMs` ahead of the database's. */
  worker(
    id: string,
    options: Pick<SchedulerOptions, "routines" | "actions"> & Partial<SchedulerOptions>,
    skewMs?: number,
  ): TestWorker;
  /** Lets time pass; what the database is asked on the way is answered before it passes on. */
  pass(seconds: number): Promise<void>;
  /** Lets the database answer, in no time. */
  settle(): Promise<void>;
  /** The routine's runs (all unless told), oldest first. */
  runs(routineId?: string): Promise<RunRow[]>;
}

/** Also after an earlier bench. */
const FRESH = `
create table if not exists public.test_time (at timestamptz not null);
truncate public.test_time, public.actp_routines, public.actp_routine_runs, public.actp_schedulers, public.actp_workflow_tasks cascade;
insert into public.test_time values (now());
create or replace function public.actp_schedule_now() returns timestamptz language sql volatile set search_path = '' as
  'select at from public.test_time';`;
/** Sleepers that wake within one step do so in their order, but are not waited for. */
const STEP_SECONDS = 5;
const STOP_SECONDS = 60;

/** A server with a migrated database: benches share it, one after the other, and each finds it empty. */
export interface ScheduleServer extends AsyncDisposable {
  bench(start: string): Promise<ScheduleBench>;
}

/** `await using server = await scheduleServer();` with `...await needs("postgres")`. */
export async function scheduleServer(): Promise<ScheduleServer> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  const database = openPostgres(server.url);
  await database.migrate();
  await database.close();
  const owned = cleanup.move();
  return {
    bench: (start) => openBench(server.url, start),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Behaviours by their names, each on an empty database, with its time at `start`. */
export function schedulerSuite(
  name: string,
  start: string,
  options: { readonly ignore: boolean },
  cases: Readonly<Record<string, (bench: ScheduleBench) => Promise<void>>>,
): void {
  Deno.test({
    name,
    ...options,
    async fn(test) {
      await using server = await scheduleServer();
      for (const [behaviour, run] of Object.entries(cases)) {
        await test.step(behaviour, async () => {
          await using _log = capturedLog();
          await using bench = await server.bench(start);
          await run(bench);
        });
      }
    },
  });
}

/** A server for one bench: `await using bench = await scheduleBench(START);` */
export async function scheduleBench(start: string): Promise<ScheduleBench> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await scheduleServer());
  const bench = cleanup.use(await server.bench(start));
  const owned = cleanup.move();
  return { ...bench, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openBench(url: string, start: string): Promise<ScheduleBench> {
  await using cleanup = new AsyncDisposableStack();
  const real = openPostgres(url);
  cleanup.defer(() => real.close());
  const direct = cleanup.use(sqlClient(url));
  await direct.sql(FRESH);
  const clock = fakeClock(Date.parse(start));
  const running = new Set<TestWorker>();
  let calls = 0;
  let told = NaN;

  const timely: Database = {
    ...real,
    async call<T>(...args: Parameters<Database["call"]>) {
      calls++;
      try {
        if (told !== clock.now()) {
          told = clock.now();
          await direct.sql(`update public.test_time set at = to_timestamp(${told / 1000})`);
        }
        return await real.call<T>(...args);
      } finally {
        calls--;
      }
    },
  };
  const settle = async () => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (calls > 0) quiet = -1;
    }
  };
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += STEP_SECONDS) {
      await settle();
      await clock.advance(Math.min(STEP_SECONDS, seconds - passed) * 1000);
    }
    await settle();
  };
  cleanup.defer(async () => {
    for (const worker of running) await worker.stop();
  });
  const owned = cleanup.move();

  return {
    clock,
    database: timely,
    pass,
    settle,
    worker(id, options, skewMs = 0) {
      let reachable = true;
      const database: Database = {
        ...timely,
        call: <T>(...args: Parameters<Database["call"]>) =>
          reachable
            ? timely.call<T>(...args)
            : Promise.reject(new DatabaseError("the network is down", { transient: true })),
      };
      const own: Clock = { ...clock, now: () => clock.now() + skewMs };
      const scheduler = new Scheduler({
        database,
        workerId: id,
        clock: own,
        timeZone: "UTC",
        drainMs: 0,
        ...options,
      });
      const stopping = new AbortController();
      let ended = false;
      const run = scheduler.run(stopping.signal).finally(() => ended = true);
      const worker: TestWorker = {
        scheduler,
        cut: () => reachable = false,
        async stop() {
          running.delete(worker);
          stopping.abort();
          for (let seconds = 0; !ended && seconds < STOP_SECONDS; seconds++) await pass(1);
          if (!ended) throw new Error(`the scheduler of ${id} does not stop`);
          await run;
        },
      };
      running.add(worker);
      return worker;
    },
    runs: async (routineId) => {
      const runs = await timely.call<RunRow[]>("actp_list_routine_runs", {
        p_routine_id: routineId,
        p_limit: 500,
      });
      return runs.reverse();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
