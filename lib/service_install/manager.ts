/** What installing needs of a service manager. */
import type { Call, Caller } from "./command.ts";
import type { ServicePlan } from "./definition.ts";

/** How a service stands. */
export interface ServiceState {
  readonly installed: boolean;
  /** It comes up by itself after a login or a start of the machine. */
  readonly enabled: boolean;
  readonly running: boolean;
  readonly pid?: number;
  /** For people, e.g. `active (running)`. */
  readonly detail: string;
  /** How often it was restarted after a failure, where the manager counts. */
  readonly restarts?: number;
}

/** systemd or launchd. */
export interface ServiceManager {
  readonly name: "systemd" | "launchd";
  /** Refuses where this manager cannot serve. @throws Error that says what to do instead */
  check(): Promise<void>;
  definition(plan: ServicePlan): string;
  state(): Promise<ServiceState>;
  /** The calls of {@link activate}, for people. */
  activation(): Call[];
  /** Brings up what was installed, new or changed. */
  activate(): Promise<void>;
  /** The calls of {@link deactivate}, for people. */
  deactivation(): Call[];
  /** Ends the service and forgets it; the definition is still there. */
  deactivate(): Promise<void>;
  /** After the definition was removed. */
  forget(): Promise<void>;
  /** Whether the service stays up while nobody is logged in, and the command that makes it so; undefined: always. */
  lingering(
    user: string,
  ): Promise<{ readonly lingers: boolean | undefined; readonly fix: string } | undefined>;
  /** What a person types to see the log. */
  readonly logCommand: Call;
  /** The log's last lines. */
  recentLog(): Promise<readonly string[]>;
}

/** Calls and insists. @throws Error with the program's own words */
export async function insist(
  call: Caller,
  what: string,
  { program, args }: Call,
  fix: string,
): Promise<void> {
  const { ok, reason } = await call({ program, args });
  if (!ok) throw new Error(`Cannot ${what}: ${reason} (${fix})`);
}
