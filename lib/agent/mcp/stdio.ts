/** An MCP server that is a program: one JSON-RPC message per line, in a process tree of its own. */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import type { Logger } from "@logtape/logtape";
import { describeExit, runProgram } from "../../process.ts";

/** What to start. */
export interface StdioServer {
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Takes what it writes to standard error. */
  readonly log: Logger;
}

/** The longest message that is read, in bytes. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;
/** From SIGTERM to SIGKILL, in ms. */
const KILL_AFTER_MS = 2_000;

/** The way to it. It starts with `start()`; `close()` ends it and all that it started. */
export function stdioTransport(server: StdioServer): Transport {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  let input: ReadableStreamDefaultController<Uint8Array> | undefined;
  let ended: Promise<void> | undefined;
  const stdin = new ReadableStream<Uint8Array>({ start: (controller) => void (input = controller) });
  const transport: Transport = {
    start() {
      const started = Promise.withResolvers<void>();
      const running = runProgram({
        program: server.program,
        args: server.args,
        env: server.env,
        cwd: server.cwd,
        stdin,
        signal: stop.signal,
        killAfterMs: KILL_AFTER_MS,
        maxLineBytes: MAX_MESSAGE_BYTES,
        tailLines: 1,
        onStart: () => started.resolve(),
        onStdoutLine: (line, truncated) => take(transport, line, truncated),
        onStderrLine: (line) => server.log.debug`${line}`,
      });
      ended = running.then((result) => {
        if (!result.aborted) transport.onerror?.(new Error(`the program ${describeExit(result)}`));
        started.reject(new Error(`the program ${describeExit(result)}`));
      }, (error: Error) => {
        transport.onerror?.(error);
        started.reject(error);
      }).then(() => {
        input = undefined;
        transport.onclose?.();
      });
      return started.promise;
    },
    send(message) {
      if (!input) return Promise.reject(new Error("the program has ended"));
      input.enqueue(encoder.encode(`${JSON.stringify(message)}\n`));
      return Promise.resolve();
    },
    async close() {
      stop.abort();
      await ended;
    },
  };
  return transport;
}

/** Servers print what is no message, too: that is passed over. */
function take(transport: Transport, line: string, truncated: boolean): void {
  if (line.trim() === "") return;
  if (truncated) {
    transport.onerror?.(new Error(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`));
    return;
  }
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return;
  }
  if (typeof message === "object" && message !== null && "jsonrpc" in message) {
    transport.onmessage?.(message as JSONRPCMessage);
  }
}
