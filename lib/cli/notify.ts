/** `notify`: the channels that people are told by, a test of each, and what was sent. */
import type { Command } from "commander";
import { type Config, secretsOf } from "../config.ts";
import { CHANNEL_NAMES } from "../config/notify_rules.ts";
import { setUpLogging } from "../log.ts";
import { redact } from "../log/redaction.ts";
import { channelStates } from "../notify/configured.ts";
import type { NamedChannel } from "../notify/configured.ts";
import { DeliveryError } from "../notify/notification.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table } from "./terminal.ts";

/** A delivery, as `actp_list_notifications` tells of it. Times are ISO 8601. */
interface DeliveryRow {
  readonly id: string;
  readonly channel: string;
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  readonly status: string;
  readonly attempts: number;
  readonly repeats: number;
  readonly error: string | null;
  readonly created_at: string;
  readonly due_at: string;
}

const STATUSES = ["waiting", "sending", "sent", "failed"];
const TEST_MS = 60_000;

/** Adds the command group. */
export function addNotify(program: Command, context: CliContext): void {
  const notify = program.command("notify").description("the channels that you are told by");
  notify.command("list")
    .description("which channels there are, and what the others lack")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  notify.command("test <channel>")
    .description(`send one notification now by ${CHANNEL_NAMES.join(", ")}`)
    .action((name: string, _options, command: Command) => test(context, name, command.optsWithGlobals()));
  notify.command("history")
    .description("what was sent or waits to be, newest first")
    .option("--status <status>", `only these: ${STATUSES.join(", ")}`)
    .option("--limit <count>", "at most so many", "50")
    .action((options: { status?: string; limit: string }, command: Command) =>
      history(context, options, command.optsWithGlobals())
    );
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const states = channelStates(config).map((state) => ({
    channel: state.name,
    configured: "channel" in state,
    missing: "missing" in state ? state.missing : null,
  }));
  if (options.json) return terminal.out(JSON.stringify(states));
  const rows = states.map(({ channel, configured, missing }) => [
    channel,
    configured ? paint(terminal, "green", "ready") : paint(terminal, "grey", `off: set ${missing}`),
  ]);
  for (const line of table(["CHANNEL", "STATE"], rows)) terminal.out(line);
}

async function test(context: CliContext, name: string, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const channel = channelNamed(config, name);
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  try {
    await channel.send([{
      id: crypto.randomUUID(),
      kind: "test",
      severity: "info",
      title: "A test of your notifications",
      text: `This was sent by ${config.workerId} on your request. Nothing is to be done.`,
      createdAt: new Date().toISOString(),
      repeats: 0,
    }], AbortSignal.timeout(TEST_MS));
  } catch (error) {
    const { message, retry } = error as DeliveryError;
    const code = error instanceof DeliveryError && !retry ? EXIT.failed : EXIT.unavailable;
    throw new ExitError(code, `Cannot send by ${name}: ${redact(message, secrets)}`);
  } finally {
    await logging.dispose();
  }
  terminal.out(options.json ? JSON.stringify({ channel: name, sent: true }) : `sent by ${name}`);
}

/** @throws ExitError 2 for an unknown name, 78 for a channel that is not configured */
function channelNamed(config: Config, name: string): NamedChannel {
  const state = channelStates(config).find((state) => state.name === name);
  if (!state) {
    const shown = JSON.stringify(name.slice(0, 40));
    throw new ExitError(EXIT.usage, `${shown} is no channel (there are ${CHANNEL_NAMES.join(", ")})`);
  }
  if ("missing" in state) {
    throw new ExitError(EXIT.badConfig, `${name} is not configured: set ${state.missing}.`);
  }
  return state.channel;
}

async function history(
  context: CliContext,
  { status, limit }: { status?: string; limit: string },
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new ExitError(EXIT.usage, `--status must be one of ${STATUSES.join(", ")}`);
  }
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500) {
    throw new ExitError(EXIT.usage, "--limit must be 1 to 500");
  }
  const { config } = await readConfig(context, options);
  const rows = await withDatabase(
    config,
    (database) =>
      database.call<DeliveryRow[]>("actp_list_notifications", {
        p_status: status ?? null,
        p_limit: Number(limit),
      }),
  );
  if (options.json) return terminal.out(JSON.stringify(rows));
  if (rows.length === 0) return terminal.err("there is none");
  const cells = rows.map(({ created_at, channel, status, severity, title, repeats, error }) => [
    created_at.slice(0, 16).replace("T", " "),
    channel,
    status === "failed" ? paint(terminal, "red", status) : status,
    severity,
    printable(title) + (repeats > 0 ? ` (+${repeats})` : "") + (error ? `: ${printable(error)}` : ""),
  ]);
  for (const line of table(["TIME (UTC)", "CHANNEL", "STATUS", "SEVERITY", "WHAT"], cells)) {
    terminal.out(line);
  }
}
