/** Looking whether all is well: checks with a name, run side by side, each for a bounded time. */
import { type Clock, within } from "../clock.ts";

/** What a check came to: all is well, works but should be put right, or does not work. */
export type Status = "ok" | "warn" | "fail";

/** One check's answer. */
export interface Finding {
  readonly status: Status;
  /** One line: what was found. */
  readonly detail: string;
  /** One line: what to do about it. */
  readonly fix?: string;
  /** Does what `fix` says, where that can harm nobody. */
  readonly repair?: () => Promise<void>;
}

/** One thing to look at. */
export interface Check {
  readonly name: string;
  /** An error that it throws counts as a failure. */
  run(): Promise<Finding>;
}

/** A finding with the name of its check. */
export interface NamedFinding extends Finding {
  readonly name: string;
}

/** An executor's own check may start a program or ask a service. */
const CHECK_TIMEOUT_MS = 20_000;

/** Runs all of them side by side; the answers come in the order of the checks. */
export function examine(checks: readonly Check[], clock: Clock): Promise<NamedFinding[]> {
  return Promise.all(checks.map(async ({ name, run }) => {
    try {
      return { name, ...await within(clock, CHECK_TIMEOUT_MS, undefined, run) };
    } catch (error) {
      return { name, status: "fail" as const, detail: (error as Error).message };
    }
  }));
}

/** Repairs what can be repaired; returns the names of what was, and the errors of what could not be. */
export async function repairAll(
  findings: readonly NamedFinding[],
): Promise<{ readonly repaired: string[]; readonly failed: string[] }> {
  const repaired: string[] = [];
  const failed: string[] = [];
  for (const { name, repair } of findings) {
    if (!repair) continue;
    try {
      await repair();
      repaired.push(name);
    } catch (error) {
      failed.push(`${name}: ${(error as Error).message}`);
    }
  }
  return { repaired, failed };
}

/** All is well. */
export function ok(detail: string): Finding {
  return { status: "ok", detail };
}
