/** What commands print: data to standard output, everything else to standard error. */

/** Where a command prints. */
export interface Terminal {
  /** Data: standard output. */
  out(line: string): void;
  /** Chatter: standard error. */
  err(line: string): void;
  /** Rewrites one line of standard error where that is a terminal; prints nothing elsewhere. */
  status(line: string): void;
  /** Ends the rewritten line. */
  endStatus(): void;
  readonly color: boolean;
  readonly isTerminal: boolean;
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  const encoder = new TextEncoder();
  const write = (stream: typeof Deno.stdout | typeof Deno.stderr, text: string) => {
    let bytes: Uint8Array = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  };
  const isTerminal = Deno.stderr.isTerminal();
  let statusShown = false;
  const endStatus = () => {
    if (statusShown) write(Deno.stderr, "\r\x1b[K");
    statusShown = false;
  };
  return {
    out: (line) => (endStatus(), write(Deno.stdout, line + "\n")),
    err: (line) => (endStatus(), write(Deno.stderr, line + "\n")),
    status(line) {
      if (!isTerminal) return;
      const { columns } = Deno.consoleSize();
      write(Deno.stderr, `\r\x1b[K${line.slice(0, columns - 1)}`);
      statusShown = true;
    },
    endStatus,
    color: !Deno.noColor && Deno.stdout.isTerminal(),
    isTerminal,
  };
}

const COLORS = { red: 31, green: 32, yellow: 33, blue: 34, grey: 90, bold: 1 } as const;

/** Colours a text where colours are wanted. */
export function paint(terminal: Pick<Terminal, "color">, color: keyof typeof COLORS, text: string): string {
  return terminal.color ? `\x1b[${COLORS[color]}m${text}\x1b[0m` : text;
}

/** Rows in columns wide enough for their longest cell (colours not counted); the last column is not padded. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...all.map((row) => visibleLength(row[column] ?? ""))));
  return all.map((row) =>
    row.map((cell, column) =>
      column === headers.length - 1 ? cell : cell + " ".repeat(widths[column] - visibleLength(cell))
    ).join("  ").trimEnd()
  );
}

function visibleLength(text: string): number {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[\d+m/g, "").length;
}

/** Text from a task or a server as a person's terminal may show it: without control sequences, on one line. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

/** A span of time for people: `4.2 s`, `3 min`, `2.5 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
