/** The desktop of this machine: macOS by osascript, Linux by notify-send. */
import { baseEnvironment, describeExit, ProgramMissingError, runProgram } from "../../process.ts";
import { cut } from "../bounds.ts";
import { type Channel, DeliveryError, type OutgoingNotification } from "../notification.ts";
import { inParcels } from "./parcels.ts";
import { body } from "./wording.ts";

/** The machine, as tests may tell it. */
export interface DesktopOptions {
  readonly os?: "darwin" | "linux";
  /** The program in place of the system's. */
  readonly program?: string;
}

/** One thing that pops up. */
interface Popup {
  readonly title: string;
  readonly text: string;
  readonly urgent: boolean;
}

const TIMEOUT_MS = 10_000;
const MAX_TITLE = 100;
const MAX_TEXT = 500;
/** More than that are shown as one. */
const MAX_POPUPS = 3;
/** How programs find the desktop session on Linux. */
const SESSION_VARIABLES = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY"];
/** Its texts come as arguments: nothing in them can become part of the script. */
const SCRIPT = [
  "on run argv",
  "display notification (item 2 of argv) with title (item 1 of argv)",
  "end run",
];

/** Makes the channel. */
export function desktopChannel(options: DesktopOptions = {}): Channel & { readonly name: "desktop" } {
  return {
    name: "desktop",
    send: (batch, signal) => inParcels(popups(batch), (popup) => show(popup, options, signal)),
  };
}

/** What pops up for a batch. Pure. */
export function popups(batch: readonly OutgoingNotification[]): { content: Popup; ends: number }[] {
  if (batch.length > MAX_POPUPS) {
    const text = batch.map(({ title }) => `• ${title}`).join("\n");
    const urgent = batch.some(({ severity }) => severity === "alert");
    const content = { title: `${batch.length} notifications`, text: cut(text, MAX_TEXT), urgent };
    return [{ content, ends: batch.length }];
  }
  return batch.map((notification) => ({
    content: {
      title: cut(notification.title, MAX_TITLE),
      text: cut(body(notification), MAX_TEXT),
      urgent: notification.severity === "alert",
    },
    ends: 1,
  }));
}

/** The program and its arguments for one popup. Pure. */
export function popupCommand(
  { title, text, urgent }: Popup,
  os: string,
): { program: string; args: string[] } | undefined {
  if (os === "darwin") {
    const script = SCRIPT.flatMap((line) => ["-e", line]);
    return { program: "osascript", args: [...script, "--", title, text] };
  }
  if (os !== "linux") return undefined;
  // Servers may read the body as markup.
  const body = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const urgency = urgent ? "critical" : "normal";
  return {
    program: "notify-send",
    args: ["--app-name=actp-worker", `--urgency=${urgency}`, "--", title, body],
  };
}

async function show(
  popup: Popup,
  { os = Deno.build.os as "linux", program }: DesktopOptions,
  signal: AbortSignal,
) {
  const command = popupCommand(popup, os);
  if (!command) {
    throw new DeliveryError(`there are no desktop notifications on ${os} (unset NOTIFY_DESKTOP)`, {
      retry: false,
    });
  }
  try {
    const result = await runProgram({
      ...command,
      ...program === undefined ? {} : { program },
      env: { ...baseEnvironment(), ...session() },
      signal,
      timeoutMs: TIMEOUT_MS,
      tailLines: 3,
    });
    if (result.code === 0) return;
    const why = result.stderrTail.join(" ").trim();
    throw new DeliveryError(`${command.program} ${describeExit(result)}${why && `: ${cut(why, 200)}`}`, {
      retry: true,
    });
  } catch (error) {
    if (!(error instanceof ProgramMissingError)) throw error;
    throw new DeliveryError(`${error.message}; or unset NOTIFY_DESKTOP`, { retry: false, cause: error });
  }
}

function session(): Record<string, string> {
  return Object.fromEntries(SESSION_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
