/** What a machine cannot do of a task type that it does otherwise. Pure. */
import type { Availability, Task } from "./task.ts";

/** Tasks of a type that a machine leaves to others: those with one of `values` in this field of their input. */
export interface Exception {
  /** The name of a field that holds a text. */
  readonly field: string;
  readonly values: readonly string[];
  readonly reason: string;
  readonly fix: string;
}

/** The fields and values by task type, as claims carry them: `{"safari_upload": {"platform": ["youtube"]}}`. */
export type Exceptions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** The exceptions of all types that can be done; undefined where there are none. */
export function exceptionsOf(
  found: readonly { readonly executor: { readonly type: string }; readonly availability: Availability }[],
): Exceptions | undefined {
  const exceptions = found.flatMap(({ executor: { type }, availability }) =>
    availability.available && availability.except
      ? [[type, { [availability.except.field]: availability.except.values }] as const]
      : []
  );
  return exceptions.length > 0 ? Object.fromEntries(exceptions) : undefined;
}

/** Whether the task is one of the exceptions. */
export function isExcepted(exceptions: Exceptions | undefined, task: Pick<Task, "type" | "input">): boolean {
  const input = typeof task.input === "object" && task.input !== null ? task.input : {};
  return Object.entries(exceptions?.[task.type] ?? {}).some(([field, values]) =>
    values.includes((input as Record<string, string>)[field]!)
  );
}

/** In one line, for people: which tasks, why, and what to do. */
export function toldException({ field, values, reason, fix }: Exception): string {
  return `not ${field} ${values.join(", ")}: ${reason} (${fix})`;
}
