/** Can the worker listen where it should, or does it already? */
import { type Check, type Finding, ok } from "./check.ts";

/** One port that the configuration names. */
export interface WantedPort {
  /** What is served there, e.g. `control port`. */
  readonly name: string;
  readonly port: number;
  /** The variable that changes it. */
  readonly setting: string;
  /** Where this home folder's worker listens now, if it runs. */
  readonly ours?: number;
}

/** One check for each port on this address. */
export function portChecks(hostname: string, ports: readonly WantedPort[]): Check[] {
  return ports.map((wanted) => ({
    name: wanted.name,
    run: () => Promise.resolve(judgePort(hostname, wanted)),
  }));
}

function judgePort(hostname: string, { port, setting, ours }: WantedPort): Finding {
  if (ours !== undefined && (port === 0 || ours === port)) return ok(`this worker listens on ${ours}`);
  if (port === 0) return ok("a free one is taken");
  try {
    Deno.listen({ hostname, port }).close();
    return ok(`${port} is free`);
  } catch (error) {
    const inUse = error instanceof Deno.errors.AddrInUse;
    return {
      status: "fail",
      detail: inUse
        ? `another program uses port ${port}`
        : `cannot listen on ${port}: ${(error as Error).message}`,
      fix: `${inUse ? "stop that program, or " : ""}set ${setting} to another port (0 takes a free one)`,
    };
  }
}
