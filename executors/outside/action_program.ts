/**
 * A heartbeat action that is a program of the owner's own, started for each run.
 *
 * The worker writes one line to its standard input and closes it:
 *   {"type":"heartbeat","protocol":1,"name":"…","options":{…},"workerId":"…","types":[…],"since":"…","state":{…}}
 * The program writes to its standard output, one JSON object per line, as often as it likes
 *   {"type":"log","level":"debug|info|warning|error","message":"…"}
 * and once, as its last word, one of
 *   {"type":"result","output":{"notify":false,"state":{…}}}
 *   {"type":"result","output":{"notify":true,"severity":"info|warning|alert","title":"…","message":"…","state":{…}}}
 *   {"type":"error","message":"…"}
 * A program that ends without either, or not with status 0, has failed: that is no silence.
 */
import { baseEnvironment, describeExit, runProgram } from "../../lib/process.ts";
import type {
  HeartbeatAction,
  HeartbeatContext,
  HeartbeatResult,
} from "../../lib/schedule/actions/action.ts";
import { parseMessage } from "../command_messages.ts";
import type { ActionManifest } from "./action_manifest.ts";
import { programOf } from "./program.ts";

const MAX_LINE_BYTES = 1_000_000;

/** Makes the action that a manifest describes. */
export function programAction(manifest: ActionManifest): HeartbeatAction {
  const { name, description, schedule, options } = manifest;
  return {
    name,
    description,
    defaultCron: schedule,
    options,
    run: (options, context) => runAction(manifest, options, context),
  };
}

async function runAction(
  manifest: ActionManifest,
  options: unknown,
  { workerId, types, since, session, signal, log }: HeartbeatContext,
): Promise<HeartbeatResult> {
  const { name, protocol, command: [, ...args], folder, timeoutSeconds, env } = manifest;
  const told = { type: "heartbeat", protocol, name, options, workerId, types, since, state: session.state };
  let last: { readonly output: unknown } | { readonly error: string } | undefined;
  const result = await runProgram({
    program: programOf(manifest),
    args,
    cwd: folder,
    env: { ...baseEnvironment(), ...passedOn(env) },
    stdin: JSON.stringify(told) + "\n",
    signal,
    timeoutMs: timeoutSeconds * 1000,
    maxLineBytes: MAX_LINE_BYTES,
    onStdoutLine(line, truncated) {
      const message = truncated ? undefined : parseMessage(line);
      if (message?.type === "log") log[message.level]("{text}", { text: message.message });
      if (last) return; // the first word counts
      if (message?.type === "result") last = { output: message.output };
      if (message?.type === "error") last = { error: message.message };
    },
  });
  signal.throwIfAborted();
  if (last && "error" in last) throw new Error(`${name}: ${last.error}`);
  if (last && result.code === 0) return last.output as HeartbeatResult; // checked by whoever runs actions
  const why = result.stderrTail.findLast((line) => line.trim() !== "")?.slice(0, 500);
  const how = result.code === 0 ? "ended without a result" : describeExit(result);
  throw new Error(`${name} ${how}${why === undefined ? "" : `: ${why}`}`);
}

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
