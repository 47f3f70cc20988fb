/** Does the machine go to sleep by itself, and the worker with it? */
import type { Caller } from "../service_install/command.ts";
import { type Check, type Finding, ok } from "./check.ts";

/** Asks pmset(1) on a Mac and logind elsewhere. */
export function sleepCheck(os: typeof Deno.build.os, call: Caller): Check {
  return {
    name: "sleep",
    async run() {
      const asked = os === "darwin"
        ? { program: "pmset", args: ["-g"] }
        : { program: "systemd-analyze", args: ["cat-config", "systemd/logind.conf"] };
      const { ok: answered, stdout } = await call(asked).catch(() => ({ ok: false, stdout: [] }));
      if (!answered) return ok(`not known: ${asked.program} does not tell`);
      return os === "darwin" ? judgePmset(stdout) : judgeLogind(stdout);
    },
  };
}

/** Reads ` sleep  10 (sleep prevented by …)`: minutes without a person, 0 for never. Pure. */
export function judgePmset(lines: readonly string[]): Finding {
  const minutes = Number(lines.map((line) => line.match(/^\s*sleep\s+(\d+)/)?.[1]).find(Boolean) ?? 0);
  if (minutes === 0) return ok("this Mac does not go to sleep by itself");
  return {
    status: "warn",
    detail: `this Mac goes to sleep after ${minutes} min without a person, and tasks wait meanwhile`,
    fix: "sudo pmset -a sleep 0",
  };
}

/** Reads logind.conf with its additions, the last of which counts. Pure. */
export function judgeLogind(lines: readonly string[]): Finding {
  const action = lines.map((line) => line.match(/^IdleAction=(\S+)/)?.[1]).findLast(Boolean) ?? "ignore";
  if (!/suspend|hibernate|sleep|poweroff|halt/.test(action)) {
    return ok("this machine does not go to sleep by itself");
  }
  return {
    status: "warn",
    detail: `this machine does ${action} when nobody is at it, and tasks wait meanwhile`,
    fix: "set IdleAction=ignore in /etc/systemd/logind.conf.d/actp-worker.conf",
  };
}
