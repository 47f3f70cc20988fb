/** The systemd unit of a service: systemd.service(5), systemd.syntax(7), systemd.exec(5). Pure. */
import { isInside } from "../paths.ts";
import { requireOneLine, type ServicePlan } from "./definition.ts";
import { SYSTEM_HOME } from "./layout.ts";
import { fillTemplate, TEMPLATES } from "./template.ts";

/** The first version that makes the pause between restarts longer step by step. */
const STEPPED_RESTARTS = 254;

/** The unit as text. `version` is systemd's. @throws Error for values that no unit can hold */
export function systemdUnit(plan: ServicePlan, version: number): string {
  const { layout, command, environment, stopSeconds, user } = plan;
  const steps = version >= STEPPED_RESTARTS ? ["RestartSteps=6", "RestartMaxDelaySec=60"] : [];
  const values = {
    command: command.map(commandWord).join(" "),
    home: oneLine("the home folder", layout.home),
    environmentFile: oneLine("the environment file", layout.environment),
    environment: Object.entries(environment).map(([name, value]) =>
      `Environment=${quoted(`${name}=${oneLine(name, value)}`)}`
    ).join("\n"),
    restartDelay: ["RestartSec=2", ...steps].join("\n"),
    stopSeconds: String(Math.ceil(stopSeconds)),
  };
  if (layout.scope === "user") return fillTemplate(TEMPLATES.userUnit, values);
  return fillTemplate(TEMPLATES.systemUnit, { ...values, user, writableFolders: writable(plan).join("\n") });
}

/** The home folder, made by systemd where it is the usual one, and what else is written to. */
function writable({ layout: { home }, writableFolders }: ServicePlan): string[] {
  const own = home === SYSTEM_HOME
    ? ["StateDirectory=actp-worker", "StateDirectoryMode=0700"]
    : [`ReadWritePaths=${quoted(oneLine("the home folder", home))}`];
  const outside = writableFolders.filter((folder) => !isInside(home, folder));
  return [...own, ...outside.map((folder) => `ReadWritePaths=${quoted(`-${oneLine("a folder", folder)}`)}`)];
}

/** One word of ExecStart, where `$` begins a variable. */
function commandWord(word: string): string {
  const safe = oneLine("the command", word).replaceAll("$", "$$$$");
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : quoted(safe);
}

/** A value in which `%` begins no specifier. */
function oneLine(what: string, value: string): string {
  return requireOneLine(what, value).replaceAll("%", "%%");
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
