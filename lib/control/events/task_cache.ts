/** The tasks that a watcher knows: the newest, and those in progress or waited for, in their newest versions. Pure. */
import type { TaskView } from "./event.ts";

/** A task as `actp_watch` tells of it: its version, its place in the order, itself. */
export type WatchedRow = readonly [version: string, seq: number, task: TaskView];

/** So many of the newest tasks are known, whatever their state. */
export const WINDOW = 100;
/** So many tasks are known at the most. */
export const MOST_KNOWN = 400;

const SETTLED = ["succeeded", "failed", "timed_out", "cancelled"];

interface Known {
  readonly version: string;
  readonly seq: number;
  readonly task: TaskView;
}

/** See above. */
export class TaskCache {
  readonly #known = new Map<string, Known>();
  /** To be looked at although they are not known. */
  readonly #asked = new Set<string>();
  /** Those of them that are being looked at. */
  #asking: readonly string[] = [];

  /** What the database need not tell again: the version of each known task. */
  versions(): Record<string, string> {
    const versions: Record<string, string> = {};
    this.#asking = [...this.#asked];
    for (const id of this.#asking) versions[id] = "";
    for (const [id, { version }] of this.#known) versions[id] = version;
    return versions;
  }

  /** Looks at this task the next time, also if it is old. */
  ask(id: string): void {
    if (this.#asked.size < WINDOW && !this.#known.has(id)) this.#asked.add(id);
  }

  /** Takes what the database has told. Returns the tasks that are other than they were known, oldest first. */
  take(rows: readonly WatchedRow[], gone: readonly string[]): TaskView[] {
    for (const id of this.#asking) this.#asked.delete(id);
    for (const id of gone) this.#known.delete(id);
    const changed = rows.toReversed().filter(([version, , task]) =>
      this.#known.get(task.id)?.version !== version
    );
    for (const [version, seq, task] of rows) this.#known.set(task.id, { version, seq, task });
    this.#forget();
    return changed.map(([, , task]) => task);
  }

  /** What this worker knows of a task's progress before the database does; undefined where the task is not known. */
  progress(id: string, progress: unknown): TaskView | undefined {
    const known = this.#known.get(id);
    if (!known || SETTLED.includes(String(known.task.status))) return undefined;
    const task = { ...known.task, status: "running", progress };
    this.#known.set(id, { ...known, task });
    return task;
  }

  /** The newest, newest first. */
  newest(count: number): TaskView[] {
    return this.#sorted().slice(0, count).map(([, { task }]) => task);
  }

  #forget(): void {
    let kept = 0;
    for (const [index, [id, { task }]] of this.#sorted().entries()) {
      const keep = index < WINDOW || (!SETTLED.includes(String(task.status)) && kept < MOST_KNOWN);
      if (keep) kept++;
      else this.#known.delete(id);
    }
  }

  #sorted(): [string, Known][] {
    return [...this.#known].sort(([, a], [, b]) => b.seq - a.seq);
  }
}
