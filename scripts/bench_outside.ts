/**
 * What the program protocol adds to a program that does nothing: `deno run -A scripts/bench_outside.ts [ROUNDS]`, 40
 * rounds unless told. Each round runs the program bare and then as an executor, so that both see the same machine.
 * Ends with 1 where the median of what is added is 30 ms or more.
 */
import { join } from "node:path";
import { parseManifest } from "../executors/outside/manifest.ts";
import { programExecutor } from "../executors/outside/program.ts";
import { processTerminal, table } from "../lib/cli/terminal.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { tempDir } from "../lib/testing/temp.ts";

const MAX_ADDED_MS = 30;
const PROGRAMS = {
  sh: `read -r task; echo '{"type":"result","output":null}'`,
  python3: `import json, sys; json.loads(sys.stdin.readline()); print('{"type":"result","output":null}')`,
};

async function bare(program: string, script: string): Promise<void> {
  const child = new Deno.Command(program, {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("{}\n"));
  await writer.close();
  await child.output();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function main(rounds: number): Promise<boolean> {
  const terminal = processTerminal();
  await using dir = await tempDir();
  await using attempt = await testContext();
  const rows: string[][] = [];
  let worst = 0;
  for (const [program, script] of Object.entries(PROGRAMS)) {
    const manifest = {
      type: "noop",
      description: "nothing",
      command: [program, "-c", script],
      input: { type: "object" },
    };
    const executor = programExecutor(parseManifest(JSON.stringify(manifest), dir.path), {
      outputDir: join(dir.path, "out"),
    });
    const times: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      times.push([
        await timed(() => bare(program, script)),
        await timed(() => executor.run({}, attempt.context)),
      ]);
    }
    const added = median(times.map(([alone, asExecutor]) => asExecutor - alone));
    worst = Math.max(worst, added);
    const columns = [median(times.map(([alone]) => alone)), median(times.map(([, whole]) => whole)), added];
    rows.push([program, ...columns.map((ms) => ms.toFixed(1))]);
  }
  for (const line of table(["PROGRAM", "BARE, MS", "AS EXECUTOR, MS", "ADDED, MS"], rows)) terminal.out(line);
  return worst < MAX_ADDED_MS;
}

if (import.meta.main && !await main(Number(Deno.args[0] ?? 40))) Deno.exitCode = 1;
