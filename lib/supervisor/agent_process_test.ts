import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { AgentReport } from "../agent/protocol.ts";
import { selfCommand } from "../daemon/self.ts";
import { logger } from "../log.ts";
import { baseEnvironment } from "../process.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { isAlive } from "../testing/process_tree.ts";
import { until } from "../testing/until.ts";
import { type AgentProcess, type ProcessSpec, startAgentProcess } from "./agent_process.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("../testing/agent_program.ts"));

function script(text: string): ProcessSpec {
  return { program: "sh", args: ["-c", text], env: baseEnvironment(), health: "ndjson" };
}

function agentProgram(behaviour: string, env: Record<string, string> = {}): ProcessSpec {
  return {
    ...selfCommand([behaviour], { main: PROGRAM }),
    env: { ...baseEnvironment(), ...env },
    health: "ndjson",
  };
}

function start(spec: ProcessSpec, secrets: readonly string[] = []) {
  const reports: AgentReport[] = [];
  const process = startAgentProcess(spec, {
    log: logger("agent", "a"),
    onStart() {},
    onReport: (report) => void reports.push(report),
    secrets,
  });
  return { process, reports };
}

async function endOf(process: AgentProcess) {
  const { code, faulty, reason } = await process.ended;
  return { code, faulty, reason };
}

Deno.test("how a process ends is told in words, with the last line of its standard error", async () => {
  const ends = await Promise.all(
    ["exit 0", "echo no such table >&2; exit 3", "kill -9 $$"].map((text) =>
      endOf(start(script(text)).process)
    ),
  );
  assert.deepEqual(ends, [
    { code: 0, faulty: false, reason: "exited with status 0" },
    { code: 3, faulty: false, reason: "exited with status 3: no such table" },
    { code: null, faulty: false, reason: "was killed by SIGKILL (out of memory?)" },
  ]);
});

Deno.test("a program that cannot be started ends with the reason", async () => {
  const { process } = start({ ...script(""), program: "/nowhere/agent" });
  const end = await endOf(process);
  assert.deepEqual([end.code, end.faulty], [null, true]);
  assert.match(end.reason, /cannot run \/nowhere\/agent: no such executable program/);
});

Deno.test("a secret on standard error does not get into the reason", async () => {
  const { process } = start(script("echo bad key hunter2hunter2 >&2; exit 1"), ["hunter2hunter2"]);
  assert.equal((await endOf(process)).reason, "exited with status 1: bad key [redacted]");
});

Deno.test("reports are passed on, log reports are logged, and all other lines are logged as they are", async () => {
  await using log = capturedLog();
  const { process, reports } = start(script(`
    echo '{"type":"ready"}'
    echo '{"type":"log","level":"warning","message":"careful {x}","fields":{"tool":"t"}}'
    echo '{"type":"nonsense"}'
    echo 'plain {text}'
    printf '\\377\\376 not text\\n'
    echo 'from stderr' >&2
  `));
  await process.ended;
  assert.deepEqual(reports, [{ type: "ready" }]);
  const lines = log.records.filter(({ category }) => category === "agent.a");
  assert.deepEqual(lines.map(({ level, message }) => [level, message]).sort(), [
    ["info", "from stderr"],
    ["info", "plain {text}"],
    ["info", `{"type":"nonsense"}`],
    ["info", "�� not text"],
    ["warning", "careful {x}"],
  ]);
  assert.equal(lines.find(({ level }) => level === "warning")!.properties.tool, "t");
});

Deno.test("only what it says in the protocol counts as a sign of life", async () => {
  const { process, reports } = start(script(`echo hello; sleep 0.3; echo '{"type":"heartbeat"}'; sleep 60`));
  await until("it is heard", () => reports.length === 1);
  assert.ok(process.heardAt - process.startedAt >= 250);
  process.kill();
  assert.deepEqual(await endOf(process), { code: null, faulty: false, reason: "was stopped" });
});

Deno.test("a process that is suspended and ignores SIGTERM is ended all the same, with the fault as reason", async () => {
  const { process, reports } = start(
    script(`trap '' TERM; echo '{"type":"ready"}'; while :; do sleep 0.1; done`),
  );
  await until("it is ready", () => reports.length === 1);
  Deno.kill(process.pid!, "SIGSTOP");
  process.kill("was silent for 90 s");
  assert.deepEqual(await endOf(process), { code: null, faulty: true, reason: "was silent for 90 s" });
  assert.equal(await isAlive(process.pid!), false);
});

Deno.test("whatever a process has started ends with it, also what left its session", async () => {
  const { process, reports } = start(script(`
    setsid sleep 4711 & echo '{"type":"run_started","run":{"id":"'$!'"}}'; wait
  `));
  await until("it is heard", () => reports.length === 1);
  const report = reports[0]!;
  const grandchild = Number(report.type === "run_started" && report.run.id);
  Deno.kill(process.pid!, "SIGKILL");
  await process.ended;
  assert.equal(await isAlive(grandchild), false);
});

Deno.test("a flood of output ends the process, and a chatty one loses lines and is told of", async () => {
  await using log = capturedLog();
  const flood = await endOf(start(script("yes")).process);
  assert.deepEqual([flood.faulty, flood.reason], [true, "it floods its output"]);
  await start(script("i=0; while [ $i -lt 600 ]; do echo $i; i=$((i+1)); done")).process.ended;
  const logged = log.messages("agent.a").filter((line) => /^\d+$/.test(line));
  assert.equal(logged.length, 500);
});

Deno.test("a line without an end is cut, and does not pass for a report", async () => {
  await using log = capturedLog();
  const { process, reports } = start(
    script(`printf '{"type":"ready","x":"'; head -c 200000 /dev/zero | tr '\\0' x; echo '"}'`),
  );
  await process.ended;
  assert.deepEqual(reports, []);
  assert.equal(log.messages("agent.a").length, 1);
});

Deno.test("orders reach the process, and those that it does not read do no harm", async () => {
  await using log = capturedLog();
  const reader = start(
    script(`while read -r line; do echo "got $line"; case $line in *drain*) exit 0;; esac; done`),
  );
  reader.process.send({ type: "wake" });
  reader.process.send({ type: "drain" });
  assert.equal((await endOf(reader.process)).code, 0);
  assert.deepEqual(log.messages("agent.a"), [`got {"type":"wake"}`, `got {"type":"drain"}`]);

  const deaf = start(script("exec sleep 60"));
  await until("it runs", () => deaf.process.pid !== undefined);
  for (let i = 0; i < 10_000; i++) deaf.process.send({ type: "wake" });
  deaf.process.kill();
  await deaf.process.ended;
  assert.equal(deaf.process.send({ type: "wake" }), false);
});

Deno.test("an unhandled rejection, a busy loop and a full heap in a process touch nothing but that process", async () => {
  const heap = { DENO_V8_FLAGS: "--max-old-space-size=100" };
  const [rejecting, spinning, swallowing] = [
    start(agentProgram("reject")),
    start(agentProgram("spin")),
    start(agentProgram("swallow", heap)),
  ];
  assert.match((await endOf(rejecting.process)).reason, /^exited with status 1: .*nobody handles this/);
  assert.deepEqual(rejecting.reports[0], { type: "ready" });
  const swallowed = await endOf(swallowing.process);
  assert.match(swallowed.reason, /^was killed by SIG(TRAP|ABRT|ILL|SEGV)|^exited with status 1[23]\d/);
  await until("the loop has begun", () => performance.now() - spinning.process.heardAt > 1000);
  assert.equal(await isAlive(spinning.process.pid!), true);
  spinning.process.kill("was silent for 90 s");
  assert.equal((await endOf(spinning.process)).reason, "was silent for 90 s");
});
