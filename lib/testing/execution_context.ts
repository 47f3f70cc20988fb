/** What an executor is given, for tests that run one without a worker. */
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { ExecutionContext, OutwardAct, Progress, Task } from "../task/task.ts";
import { tempDir } from "./temp.ts";

/** The context, and what the executor did with it. */
export interface TestContext extends AsyncDisposable {
  readonly context: ExecutionContext;
  /** What it reported, in order. */
  readonly progress: Progress[];
  /** The outward acts it asked for, and those it did; all are agreed to unless `refuse` says otherwise. */
  readonly asked: OutwardAct[];
  readonly performed: OutwardAct[];
}

/** As deep and as long as the worker's own in a person's home: some programs cannot do with such paths. */
const ATTEMPT_FOLDER =
  "tmp/home-0123456789abcdef01234567/00000000-0000-4000-8000-000000000001-0123456789abcdef";

/** Makes a context with an empty temp folder; it is removed on disposal. */
export async function testContext(
  options: { task?: Partial<Task>; signal?: AbortSignal; refuse?: (act: OutwardAct) => Error | undefined } =
    {},
): Promise<TestContext> {
  const folder = await tempDir();
  const own = join(folder.path, ATTEMPT_FOLDER);
  await Deno.mkdir(own, { recursive: true, mode: 0o700 });
  const progress: Progress[] = [];
  const asked: OutwardAct[] = [];
  const performed: OutwardAct[] = [];
  const ask = (act: OutwardAct): Promise<void> => {
    asked.push(act);
    const refusal = options.refuse?.(act);
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  };
  const task: Task = {
    id: "00000000-0000-4000-8000-000000000001",
    type: "test",
    input: {},
    attempt: 1,
    maxAttempts: 3,
    priority: 0,
    token: "1",
    timeoutMs: 60_000,
    createdAt: "2026-01-01T00:00:00.000Z",
    ...options.task,
  };
  return {
    context: {
      task,
      signal: options.signal ?? new AbortController().signal,
      tempDir: own,
      log: getLogger(["actp", "test"]),
      progress: (report) => void progress.push(report),
      outward: {
        ask,
        async perform(act, work) {
          await ask(act);
          performed.push(act);
          return await work();
        },
      },
    },
    progress,
    asked,
    performed,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
