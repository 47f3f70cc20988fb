/**
 * Looks at the database for what others have changed: other workers, commands, other programs. Runs only while somebody
 * reads the events. One call a second, or sooner on a hint, and less often where the database is slow.
 */
import { aborted, type Clock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";
import { type RoutineRow, viewRoutines } from "../../schedule/view.ts";
import { Wakeup } from "../../wakeup.ts";
import type { ActView, ControlEvent, LimitView, RoutineState, TaskView } from "./event.ts";
import { TaskCache, type WatchedRow, WINDOW } from "./task_cache.ts";

/** What is looked at and who is told. */
export interface WatcherOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly publish: (event: ControlEvent) => void;
}

/** How things stand by the last look. */
export interface DatabaseState {
  readonly tasks: readonly TaskView[];
  readonly approvals: readonly ActView[];
  readonly jobs: readonly RoutineState[];
  readonly limits: readonly LimitView[];
}

interface Watched {
  readonly tasks: readonly WatchedRow[];
  readonly gone: readonly string[];
  readonly acts: readonly ActView[];
  readonly limits: readonly LimitView[];
  readonly routines: readonly RoutineRow[];
}

const LOOK_EVERY_MS = 1000;
/** Between two looks, however many hints there are. */
const LEAST_MS = 250;
/** The database may spend a tenth of its time on it, and no more. */
const REST_FACTOR = 10;
const MAX_REST_MS = 30_000;
const CALL_MS = 10_000;
/** Progress of one task is told so often at the most, in ms. */
const PROGRESS_MS = 500;
const SNAPSHOT_TASKS = 50;

/** See above. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #wakeup = new Wakeup();
  #tasks = new TaskCache();
  #acts = new Map<string, string>();
  #limits = new Map<string, string>();
  #routines = new Map<string, string>();
  #state: Omit<DatabaseState, "tasks"> | undefined;
  #looked = Promise.withResolvers<void>();
  #told = new Map<string, number>();
  #failing = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Looks soon, at this task too if one is named. */
  look(taskId?: string): void {
    if (taskId !== undefined) this.#tasks.ask(taskId);
    this.#wakeup.wake();
  }

  /** This worker's task has come so far: told without asking the database. */
  progressed(taskId: string, progress: unknown): void {
    const { clock, publish } = this.#options;
    const now = clock.monotonic();
    if (now - (this.#told.get(taskId) ?? -Infinity) < PROGRESS_MS) return;
    const data = this.#tasks.progress(taskId, progress);
    if (!data) return;
    if (this.#told.size > WINDOW) this.#told.clear();
    this.#told.set(taskId, now);
    publish({ type: "task", data });
  }

  /** How things stand; waits for the first look, and knows nothing while the database cannot be asked. */
  async state(ms: number): Promise<DatabaseState | undefined> {
    const waited = new AbortController();
    await Promise.race([this.#looked.promise, this.#options.clock.sleep(ms, waited.signal)]);
    waited.abort();
    return this.#state && { tasks: this.#tasks.newest(SNAPSHOT_TASKS), ...this.#state };
  }

  /** Looks until the signal aborts; then forgets everything. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const listening = this.#listen(signal);
    while (!signal.aborted) {
      const began = clock.monotonic();
      await this.#attempt(signal);
      const took = clock.monotonic() - began;
      await clock.sleep(Math.min(LEAST_MS + took, MAX_REST_MS), signal);
      const rest = Math.min(Math.max(LOOK_EVERY_MS, took * REST_FACTOR), MAX_REST_MS);
      await this.#wakeup.wait(rest - LEAST_MS, clock, signal);
    }
    await listening;
    this.#tasks = new TaskCache();
    this.#acts = this.#limits = this.#routines = new Map();
    this.#told.clear();
    this.#state = undefined;
    this.#looked = Promise.withResolvers();
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    try {
      const watched = await this.#options.database.call<Watched>("actp_watch", {
        p_known: this.#tasks.versions(),
        p_window: WINDOW,
        p_acts: [...this.#acts.keys()],
      }, { signal, timeoutMs: CALL_MS });
      if (!signal.aborted) this.#take(watched);
      this.#failing = false;
    } catch (error) {
      if (signal.aborted) return;
      // The worker itself tells of outages; here once, for who wonders why the page stands still.
      if (!this.#failing) {
        logger("control").warn`what changes in the database cannot be told: ${(error as Error).message}`;
      }
      this.#failing = true;
    }
  }

  /** The first look is where the events begin; nothing of it is news. */
  #take({ tasks, gone, acts, limits, routines }: Watched): void {
    const first = this.#state === undefined;
    const publish = first ? () => {} : this.#options.publish;
    for (const data of this.#tasks.take(tasks, gone)) publish({ type: "task", data });
    this.#acts = news(this.#acts, acts, ({ id }) => id, (data) => publish({ type: "approval", data }));
    // Told once when it is decided; then it is no longer open, and no longer looked at.
    const open = acts.filter(({ status }) => status === "proposed");
    this.#acts = new Map([...this.#acts].filter(([id]) => open.some((act) => act.id === id)));
    const before = this.#limits;
    this.#limits = news(
      before,
      limits,
      ({ pattern }) => pattern,
      (data) => publish({ type: "queue", data }),
      "running",
    );
    for (const pattern of before.keys()) {
      if (!this.#limits.has(pattern)) publish({ type: "queue", data: lifted(pattern) });
    }
    const jobs = viewRoutines(routines) as unknown as RoutineState[];
    this.#routines = news(
      this.#routines,
      jobs,
      ({ id }) => id,
      (data) => publish({ type: "routine", data }),
      "now",
    );
    this.#state = { approvals: open, limits, jobs };
    if (first) this.#looked.resolve();
  }

  /** The queue's own hints; where there are none, looking now and then has to do. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { database } = this.#options;
    if (!database.listen) return;
    try {
      const stop = await database.listen("actp_tasks", () => this.#wakeup.wake());
      await aborted(signal);
      await stop();
    } catch (error) {
      logger("control").debug`no hints of changes in the database: ${(error as Error).message}`;
    }
  }
}

/** Tells each that is other than it was; `but`: a field whose change is no news. Returns how they are now. */
function news<T extends object>(
  before: ReadonlyMap<string, string>,
  now: readonly T[],
  key: (one: T) => string,
  tell: (one: T) => void,
  but?: string,
): Map<string, string> {
  const after = new Map<string, string>();
  for (const one of now) {
    const text = JSON.stringify(one, (name, value) => name === but ? undefined : value);
    after.set(key(one), text);
    if (before.get(key(one)) !== text) tell(one);
  }
  return after;
}

/** What is neither limited nor paused any more. */
function lifted(pattern: string): LimitView {
  return { pattern, max_running: null, running: null, paused: false, paused_reason: null, paused_at: null };
}
