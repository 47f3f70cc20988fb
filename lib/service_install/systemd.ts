/** systemd as the service manager: systemctl(1), loginctl(1), journalctl(1). */
import { ProgramMissingError } from "../process.ts";
import { type Call, type Caller, callText } from "./command.ts";
import { type Scope, UNIT } from "./layout.ts";
import { insist, type ServiceManager, type ServiceState } from "./manager.ts";
import { systemdUnit } from "./systemd_unit.ts";

const SHOWN = ["LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "Result", "NRestarts"];

/** The person's manager, or the machine's. */
export function systemd(scope: Scope, call: Caller): ServiceManager {
  const own = scope === "user" ? ["--user"] : [];
  const systemctl = (...args: string[]): Call => ({ program: "systemctl", args: [...own, ...args] });
  const unitFilter = scope === "user" ? "--user-unit" : "--unit"; // --user would miss what went to the machine's journal
  const logCommand = { program: "journalctl", args: [unitFilter, UNIT] };
  const reload = systemctl("daemon-reload");
  const enable = systemctl("enable", UNIT);
  const restart = systemctl("restart", UNIT); // starts it where it does not run
  const disable = systemctl("disable", "--now", UNIT);
  let version = 0;
  const fix = `see systemctl ${[...own, "status"].join(" ")}`;
  return {
    name: "systemd",
    async check() {
      try {
        const { stdout } = await call({ program: "systemctl", args: ["--version"] });
        version = systemdVersion(stdout);
      } catch (error) {
        if (!(error instanceof ProgramMissingError)) throw error;
        throw new Error(
          "There is no systemd on this machine; `actp-worker start` runs the worker without it.",
        );
      }
      const { ok, reason } = await call(systemctl("show", "--property=Version"));
      if (ok) return;
      throw new Error(
        scope === "user"
          ? `Your own systemd does not answer: ${reason}. Log in as yourself (not through su or sudo), or install for the machine with --system.`
          : `systemd does not answer: ${reason}. \`actp-worker start\` runs the worker without it.`,
      );
    },
    definition: (plan) => systemdUnit(plan, version),
    async state() {
      const { ok, stdout, reason } = await call(
        systemctl("show", UNIT, ...SHOWN.map((name) => `--property=${name}`)),
      );
      if (!ok) throw new Error(`systemd does not tell the service's state: ${reason}`);
      return readState(stdout);
    },
    activation: () => [reload, enable, restart],
    async activate() {
      await insist(call, "load the unit", reload, fix);
      await call(systemctl("reset-failed", UNIT)); // fails where it is not loaded yet: nothing to forget then
      await insist(call, "enable the service", enable, fix);
      await insist(call, "start the service", restart, `see ${callText(logCommand)}`);
    },
    deactivation: () => [disable],
    async deactivate() {
      await insist(call, "stop the service", disable, fix);
    },
    async forget() {
      await insist(call, "reload systemd", reload, fix);
      await call(systemctl("reset-failed", UNIT)); // fails where there is nothing to forget
    },
    async lingering(user) {
      if (scope === "system") return undefined;
      const { ok, stdout } = await call({
        program: "loginctl",
        args: ["show-user", user, "--property=Linger", "--value"],
      }).catch((): { ok: boolean; stdout: string[] } => ({ ok: false, stdout: [] }));
      const answer = stdout[0]?.trim();
      const lingers = ok && (answer === "yes" || answer === "no") ? answer === "yes" : undefined;
      return { lingers, fix: `loginctl enable-linger ${user}` };
    },
    logCommand,
    async recentLog() {
      const { stdout } = await call({
        program: "journalctl",
        args: [unitFilter, UNIT, "-q", "-n", "15", "--no-pager", "-o", "cat"],
      });
      return stdout;
    },
  };
}

/** The number in `systemd 252 (252.38-1~deb12u1)`; 0 where there is none. */
export function systemdVersion(output: readonly string[]): number {
  return Number(output[0]?.match(/^systemd (\d+)/)?.[1] ?? 0);
}

/** Reads `systemctl show`: lines of NAME=value. */
export function readState(lines: readonly string[]): ServiceState {
  const shown = Object.fromEntries(lines.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
  const pid = Number(shown.MainPID ?? 0);
  const failed = shown.ActiveState === "failed" ? `, ${shown.Result}` : "";
  return {
    installed: shown.LoadState === "loaded",
    enabled: shown.UnitFileState === "enabled",
    running: shown.ActiveState === "active" || shown.ActiveState === "reloading",
    pid: pid > 0 ? pid : undefined,
    detail: `${shown.ActiveState} (${shown.SubState}${failed})`,
    restarts: Number(shown.NRestarts ?? 0),
  };
}
