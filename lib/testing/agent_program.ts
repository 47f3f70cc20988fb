/**
 * An agent's process for tests, which behaves as its first argument says: `well`, `spin` (a busy loop), `swallow` (ever
 * more heap), `reject` (an unhandled rejection), `stubborn` (does not drain) or `working FILE` (writes the file when the
 * work in progress is finished) or `leaky NAME` (tells the variable NAME wherever it can). Run: `deno run agent_program.ts well`.
 */
import { formatReport, parseOrder } from "../agent/protocol.ts";

const [behaviour, file] = Deno.args;

function say(report: Parameters<typeof formatReport>[0]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(formatReport(report)));
}

async function drain(): Promise<void> {
  if (behaviour === "stubborn") return;
  if (behaviour === "working") {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await Deno.writeTextFile(file!, "finished");
    say({ type: "run_ended", run: { id: "r1" }, outcome: "completed" });
  }
  Deno.exit(0);
}

async function obey(): Promise<void> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const chunk of lines) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const order = parseOrder(text.slice(0, end));
      text = text.slice(end + 1);
      if (order?.type === "drain") void drain();
      if (order?.type === "wake") say({ type: "log", level: "info", message: "woken" });
    }
  }
  Deno.exit(3); // the supervisor is gone
}

function misbehave(): void {
  if (behaviour === "spin") { while (true); }
  if (behaviour === "reject") void Promise.reject(new Error("nobody handles this"));
  if (behaviour === "swallow") {
    const hoard: number[][] = [];
    while (true) hoard.push(new Array(100_000).fill(hoard.length));
  }
}

void obey();
setInterval(() => say({ type: "heartbeat" }), 100);
say({ type: "ready" });
if (behaviour === "leaky") {
  const secret = Deno.env.get(file!) ?? "unset";
  say({ type: "heartbeat", health: { status: "unhealthy", reason: `no ${secret}`, [secret]: secret } });
  say({ type: "run_started", run: { id: secret, goal: `use ${secret}` } });
  say({ type: "log", level: "error", message: `log ${secret}`, fields: { it: secret } });
  // deno-lint-ignore no-console
  console.error(`error ${secret}`);
}
if (behaviour === "working") say({ type: "run_started", run: { id: "r1", goal: "the work" } });
setTimeout(misbehave, 200);
