import assert from "node:assert/strict";
import { loadConfig } from "../config.ts";
import { tempDir } from "../testing/temp.ts";
import { agentSpecs } from "./agent_specs.ts";
import { agentEnvironment, declaredEnvironment } from "./environment.ts";

const SECRET = "sk-ant-12345678";
const ENV = {
  ANTHROPIC_API_KEY: SECRET,
  NATIVE_AGENT_MODEL: "m",
  DENO_DIR: "/cache",
  OTEL_DENO: "true",
  UNRELATED: "u",
  FOR_MCP: "x",
  MINE: "y",
};

async function load(home: string, flags: Record<string, unknown> = {}) {
  await Deno.writeTextFile(
    `${home}/config.json`,
    JSON.stringify({
      mcpServers: {
        files: { command: "server", env: ["FOR_MCP"], allow: ["read"] },
      },
      agents: [{ id: "mine", command: "program", args: ["-v"], env: ["MINE"], restart: "on-failure" }],
      enableContentAgent: true,
    }),
  );
  return await loadConfig({ env: { ...ENV, HOME: home, ACTP_HOME: home }, cwd: home, flags });
}

Deno.test("our agents are given the worker's settings and what their MCP servers need, and nothing else", async () => {
  await using home = await tempDir();
  const env = agentEnvironment(await load(home.path), ENV);
  assert.deepEqual(
    [env.ANTHROPIC_API_KEY, env.NATIVE_AGENT_MODEL, env.DENO_DIR, env.OTEL_DENO, env.FOR_MCP, env.ACTP_HOME],
    [
      SECRET,
      "m",
      "/cache",
      "true",
      "x",
      home.path,
    ],
  );
  assert.deepEqual([env.UNRELATED, env.MINE], [undefined, undefined]);
  assert.equal(env.DENO_V8_FLAGS, "--max-old-space-size=384");
});

Deno.test("what was set by a flag goes before the environment, under all its names", async () => {
  await using home = await tempDir();
  const loaded = await load(home.path, { maxConcurrent: "7" });
  const env = agentEnvironment(loaded, { WORKER_MAX_CONCURRENT: "5" });
  const { config } = await loadConfig({ env: { ...env, HOME: home.path }, cwd: home.path });
  assert.equal(config.maxConcurrent, 7);
});

Deno.test("a declared program is given the variables that it names", () => {
  const env = declaredEnvironment(["MINE", "NOT_SET"], ENV);
  assert.equal(env.MINE, "y");
  assert.deepEqual([env.ANTHROPIC_API_KEY, "NOT_SET" in env], [undefined, false]);
});

Deno.test("no secret is ever among the arguments", async () => {
  await using home = await tempDir();
  const specs = agentSpecs(await load(home.path), { env: ENV, cwd: home.path, problems: new Map() });
  assert.deepEqual(specs.map(({ id, enabled }) => [id, enabled]), [
    ["social-media-agent", false],
    ["content-agent", true],
    ["acquisition-agent", false],
    ["revenue-agent", false],
    ["mine", true],
  ]);
  for (const { id, process, builtIn } of specs) {
    assert.doesNotMatch([process.program, ...process.args].join(" "), new RegExp(SECRET));
    if (builtIn) assert.deepEqual(process.args.slice(-3), ["agent", "run", id]);
  }
  const mine = specs.at(-1)!;
  assert.deepEqual([mine.process.program, mine.process.args, mine.restart], [
    "program",
    ["-v"],
    "on-failure",
  ]);
});
