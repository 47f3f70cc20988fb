/** Outward acts of a task that a person runs by hand: the person at the terminal agrees, or has with `--yes`. */
import type { OutwardAct, OutwardActs } from "../task/task.ts";
import { TaskError } from "../task/task.ts";
import { printable, type Terminal } from "./terminal.ts";

/** `agreed`: every act is agreed to beforehand. `ask`: puts a yes-or-no question; undefined where nobody can answer. */
export function confirmedActs(
  terminal: Terminal,
  { agreed, ask }: { agreed: boolean; ask?: (question: string) => Promise<boolean> },
): OutwardActs {
  const asked = new Set<string>();
  const confirm = async (act: OutwardAct): Promise<void> => {
    const shown = JSON.stringify(act);
    if (agreed || asked.has(shown)) return;
    terminal.endStatus();
    terminal.err(printable(act.summary));
    for (const [name, value] of Object.entries(act.preview)) {
      terminal.err(`  ${name}: ${printable(typeof value === "string" ? value : JSON.stringify(value))}`);
    }
    if (!ask) {
      throw new TaskError("nobody can be asked here: say --yes to agree beforehand", { retry: false });
    }
    if (!await ask("Do it?")) throw new TaskError("you did not agree", { retry: false });
    asked.add(shown);
  };
  return {
    ask: confirm,
    async perform(act, work) {
      await confirm(act);
      return await work();
    },
  };
}
