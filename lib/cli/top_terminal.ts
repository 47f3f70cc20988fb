/** A terminal taken over for a while: keys as they are pressed, a screen of its own, given back whatever happens. */
import { onSignal } from "../daemon/signals.ts";

/** The terminal while it is taken over. */
export interface RawTerminal {
  /** Draws the whole screen. */
  draw(lines: readonly string[]): void;
  size(): { readonly columns: number; readonly rows: number };
}

/** What is listened to. */
export interface RawHandlers {
  onKey(key: string): void;
  /** Its size has changed, or it was hidden for a while. */
  onResize(): void;
  /** Somebody wants it to end. */
  onStop(): void;
}

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Takes the terminal, runs `work`, and gives it back also when that throws or a signal comes. */
export async function withRawTerminal(
  handlers: RawHandlers,
  work: (terminal: RawTerminal) => Promise<void>,
): Promise<void> {
  const write = writer();
  const enter = () => {
    Deno.stdin.setRaw(true);
    write(ENTER);
  };
  const removers = [
    ...STOP_SIGNALS.map((signal) => onSignal(signal, handlers.onStop)),
    onSignal("SIGWINCH", handlers.onResize),
    // Stopped and continued by hand: whatever was shown meanwhile is not ours.
    onSignal("SIGCONT", () => {
      enter();
      handlers.onResize();
    }),
  ];
  const ending = new AbortController();
  enter();
  try {
    const keys = readKeys(handlers, ending.signal);
    await Promise.race([
      work({
        draw: (lines) => write(`\x1b[H${lines.map((text) => `${text}\x1b[K`).join("\r\n")}\x1b[J`),
        size: terminalSize,
      }),
      keys,
    ]);
  } finally {
    ending.abort();
    for (const remove of removers) remove();
    write(LEAVE);
    Deno.stdin.setRaw(false);
  }
}

/** Ends only with an error or when there is no terminal any more; a read that waits ends with the process. */
async function readKeys(handlers: RawHandlers, signal: AbortSignal): Promise<void> {
  const buffer = new Uint8Array(1024);
  const decoder = new TextDecoder();
  while (!signal.aborted) {
    const read = await Deno.stdin.read(buffer);
    if (read === null) return handlers.onStop();
    for (const key of keysOf(decoder.decode(buffer.subarray(0, read), { stream: true }))) {
      if (!signal.aborted) handlers.onKey(key);
    }
  }
}

const NAMED: Readonly<Record<string, string>> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[5~": "page-up",
  "\x1b[6~": "page-down",
  "\t": "tab",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x03": "ctrl-c",
  "\x0c": "ctrl-l",
  "\x1b": "escape",
};
// deno-lint-ignore no-control-regex
const KEY = /\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[^]/gu;

/** The keys in what a terminal has sent: characters as they are, others by name; unknown sequences are left out. Pure. */
export function keysOf(text: string): string[] {
  return (text.match(KEY) ?? []).flatMap((sequence) => {
    const named = NAMED[sequence];
    if (named) return [named];
    return sequence >= " " && sequence !== "\x7f" && !sequence.startsWith("\x1b") ? [sequence] : [];
  });
}

/** Some terminals do not know their size, and say 0. */
function terminalSize() {
  const { columns, rows } = Deno.consoleSize();
  return { columns: columns || 80, rows: rows || 24 };
}

function writer(): (text: string) => void {
  const encoder = new TextEncoder();
  return (text) => {
    let bytes: Uint8Array = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  };
}
