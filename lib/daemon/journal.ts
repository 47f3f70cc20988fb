/** Reads the worker's lines back from systemd's journal, through journalctl(1), in bounded memory. */
import type { ReadOptions } from "../log/read_lines.ts";
import { describeExit, findProgram, runProgram } from "../process.ts";
import { journalArguments } from "./log_source.ts";
import type { ServiceUnit } from "./service_unit.ts";

/** As {@link ReadOptions}, from the journal of a unit in place of a folder. */
export interface JournalReading extends Omit<ReadOptions, "folder" | "follow"> {
  readonly unit: ServiceUnit;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly show: (line: string) => void;
}

/** `--show-cursor` ends the output with it. */
const CURSOR = /^-- cursor: (\S+)$/;

/** Shows the wanted lines. @throws Error where journalctl is missing or fails */
export async function readJournal(reading: JournalReading): Promise<void> {
  const { unit, wanted, last, since, follow, signal, show } = reading;
  const program = await findProgram("journalctl");
  if (!program) throw new Error(`The log of ${unit.name} is in the journal, and journalctl is not on PATH`);
  const kept: string[] = [];
  let cursor: string | undefined;
  await run(program, [...journalArguments(unit, { since }), "--show-cursor"], signal, (line) => {
    const found = CURSOR.exec(line)?.[1];
    if (found) return void (cursor = found);
    if (!wanted(line)) return;
    if (last === undefined) return show(line);
    kept.push(line);
    if (kept.length > 2 * last) kept.splice(0, kept.length - last);
  });
  if (last !== undefined && last > 0) kept.slice(-last).forEach(show);
  if (!follow || signal.aborted) return;
  const after = cursor ? [`--after-cursor=${cursor}`] : [];
  await run(program, [...journalArguments(unit, { follow }), ...after], signal, (line) => {
    if (wanted(line)) show(line);
  });
}

async function run(
  program: string,
  args: string[],
  signal: AbortSignal,
  onStdoutLine: (line: string) => void,
): Promise<void> {
  const result = await runProgram({
    program,
    args,
    signal,
    onStdoutLine,
    maxLineBytes: 2 ** 20,
    tailLines: 3,
  });
  if (result.code === 0 || signal.aborted) return;
  throw new Error(
    `Cannot read the journal: journalctl ${describeExit(result)}: ${result.stderrTail.join(" ")}`,
  );
}
