/** What this worker does with tasks, told as it happens to whoever watches. Costs nothing where nobody does. */
import type { Progress, Task } from "../task/task.ts";

/** `claimed`: it begins; `progress`: how far it is; `settled`: the queue knows what became of it. */
export interface TaskNews {
  readonly kind: "claimed" | "progress" | "settled";
  /** The name of the queue that it is from. */
  readonly source: string;
  readonly task: Pick<Task, "id" | "type">;
  readonly progress?: Progress;
}

/** Takes news; must not throw. */
export type TaskListener = (news: TaskNews) => void;
