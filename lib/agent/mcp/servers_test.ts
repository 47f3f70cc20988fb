import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { getLogger } from "@logtape/logtape";
import type { McpServerSettings } from "../../config/agent_rules.ts";
import { mcpServersSchema } from "../../config/agent_rules.ts";
import { systemClock } from "../../clock.ts";
import { selfCommand } from "../../daemon/self.ts";
import { capturedLog } from "../../testing/captured_log.ts";
import { mcpHttp } from "../../testing/mcp_tools.ts";
import type { ToolContext } from "../agent.ts";
import { type LoopTool, runTool } from "../loop/tools.ts";
import { McpServers } from "./servers.ts";

const never = new AbortController().signal;
const PROGRAM = fileURLToPath(new URL("../../testing/mcp_tools.ts", import.meta.url));
/** Deno needs its cache to run the test's server. */
const DENO = ["DENO_DIR", "XDG_CACHE_HOME"].filter((name) => Deno.env.get(name) !== undefined);

function program(settings: Record<string, unknown> = {}): McpServerSettings {
  const { program, args } = selfCommand([], { main: PROGRAM });
  return mcpServersSchema.parse({ own: { command: program, args, env: DENO, allow: ["*"], ...settings } })
    .own!;
}

function servers(settings: Record<string, McpServerSettings>, env: Record<string, string> = {}, agent = "a") {
  const mcp = new McpServers(settings, agent, { ...Deno.env.toObject(), ...env });
  return Object.assign(mcp, { [Symbol.asyncDispose]: () => mcp.close() });
}

const context: ToolContext = {
  agentId: "a",
  runId: "r",
  database: undefined as never,
  signal: never,
  log: getLogger(["actp", "test"]),
};

async function call(tools: readonly LoopTool[], name: string, input: unknown = {}) {
  const tool = tools.find(({ description }) => description.name === name)!;
  const parsed = tool.parse(input);
  if ("problem" in parsed) return parsed.problem;
  return (await runTool(tool, parsed.value, context, { clock: systemClock, timeoutMs: 1_000 })).content;
}

const names = (tools: readonly LoopTool[]) => tools.map(({ description }) => description.name).sort();

Deno.test("a program's tools are offered under its name, described, validated and called", async () => {
  await using mcp = servers({ calc: program() });
  const tools = await mcp.tools(never);
  deepEqual(
    names(tools),
    ["add", "die", "fail", "hang", "pid", "variable"].map((name) => `calc__${name}`),
  );
  const add = tools.find(({ description }) => description.name === "calc__add")!;
  deepEqual([add.description.description, add.description.input_schema.type], ["adds two numbers", "object"]);
  equal(await call(tools, "calc__add", { a: 1, b: 2 }), "3");
  match(await call(tools, "calc__add", { a: "x" }), /^The input is not valid, nothing was done: /);
  equal(await call(tools, "calc__fail"), "it cannot be done");
});

Deno.test("only what is allowed is offered, and what is allowed but missing is reported", async () => {
  await using log = capturedLog();
  await using mcp = servers({ calc: program({ allow: ["add", "subtract"] }) });
  deepEqual(names(await mcp.tools(never)), ["calc__add"]);
  match(log.messages("mcp.calc").join("\n"), /has no tool "?subtract"?/);
});

Deno.test("a server may be for some agents only", async () => {
  await using mcp = servers({ calc: program({ agents: ["other"] }) });
  deepEqual([await mcp.tools(never), mcp.startsPrograms], [[], false]);
});

Deno.test("tools that need a person's word are outward, with everything to decide by", async () => {
  await using mcp = servers({ calc: program({ allow: ["add", "pid"], approve: ["add"] }) });
  const [add, pid] = await mcp.tools(never);
  deepEqual(add!.outward!({ a: 1, b: 2 }), {
    kind: "mcp",
    platform: "calc",
    summary: "call add of the MCP server calc",
    preview: { tool: "add", input: { a: 1, b: 2 } },
  });
  equal(pid!.outward, undefined);
});

Deno.test("a program is given the variables that are named and no others", async () => {
  const given = { GIVEN: "yes", SECRET: "no" };
  await using mcp = servers({ calc: program({ env: [...DENO, "GIVEN"] }) }, given);
  const tools = await mcp.tools(never);
  equal(await call(tools, "calc__variable", { name: "GIVEN" }), "yes");
  equal(await call(tools, "calc__variable", { name: "SECRET" }), "(unset)");
});

Deno.test("a server that dies is started again by the next call", async () => {
  await using mcp = servers({ calc: program() });
  const tools = await mcp.tools(never);
  const before = await call(tools, "calc__pid");
  match(await call(tools, "calc__die"), /closed|ended/i);
  const after = await call(tools, "calc__pid");
  ok(/^\d+$/.test(after) && after !== before, `${before} and ${after}`);
});

Deno.test("a call that hangs is given up in time", async () => {
  await using mcp = servers({ calc: program({ timeoutSeconds: 1 }) });
  match(await call(await mcp.tools(never), "calc__hang"), /no answer within 1 s|timed out/i);
});

Deno.test("a server that cannot be had is reported and left out; the others are offered", async () => {
  await using log = capturedLog();
  await using mcp = servers({
    gone: program({ command: "no-such-program" }),
    dies: program({ command: "false", args: [] }),
    secret: program({ env: ["NOT_SET_ANYWHERE"] }),
    calc: program({ allow: ["add"] }),
  });
  deepEqual(names(await mcp.tools(never)), ["calc__add"]);
  match(log.messages("mcp.gone").join("\n"), /is left out: .*no such executable program/);
  match(log.messages("mcp.dies").join("\n"), /is left out: /);
  match(log.messages("mcp.secret").join("\n"), /NOT_SET_ANYWHERE is not set/);
});

Deno.test("closing ends the program", async () => {
  const mcp = servers({ calc: program() });
  const pid = Number(await call(await mcp.tools(never), "calc__pid"));
  await mcp.close();
  await rejects(async () => {
    const { success } = await new Deno.Command("ps", { args: ["-p", `${pid}`], stdout: "null" }).output();
    if (!success) throw new Error("gone");
  }, /gone/);
});

Deno.test("a server over HTTP is sent the headers that the environment holds", async () => {
  await using log = capturedLog();
  await using http = mcpHttp("the-key");
  const settings = (variable: string) =>
    mcpServersSchema.parse({ web: { url: http.url, headersEnv: { "X-Key": variable }, allow: ["add"] } });
  await using mcp = servers(settings("MCP_KEY"), { MCP_KEY: "the-key" });
  const tools = await mcp.tools(never);
  equal(await call(tools, "web__add", { a: 20, b: 22 }), "42");
  await using refused = servers(settings("MCP_KEY"), { MCP_KEY: "wrong-key-value" });
  deepEqual(await refused.tools(never), []);
  const said = log.messages("mcp.web").join("\n");
  match(said, /is left out/);
  ok(!said.includes("wrong-key-value"));
});
