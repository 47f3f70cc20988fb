import assert from "node:assert/strict";
import { agentId, agentsSchema, enabledAgents, unknownAgents } from "./agents.ts";

const OFF = {
  enableSocialMediaAgent: false,
  enableContentAgent: false,
  enableAcquisitionAgent: false,
  enableRevenueAgent: false,
};

function declared(...declarations: Record<string, unknown>[]) {
  return agentsSchema.parse(declarations.map((one) => ({ command: "program", ...one })));
}

function problems(...declarations: Record<string, unknown>[]): string[] {
  const result = agentsSchema.safeParse(declarations.map((one) => ({ id: "a", command: "program", ...one })));
  return result.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("our agents run where they are enabled, declared ones unless they are not", () => {
  const agents = declared({ id: "mine" }, { id: "rarely", enabled: false });
  assert.deepEqual(enabledAgents({ ...OFF, agents }), ["mine"]);
  assert.deepEqual(enabledAgents({ ...OFF, enableRevenueAgent: true, agents }), ["revenue-agent", "mine"]);
});

Deno.test("a list of agents goes before everything that is enabled, by id or by short name", () => {
  const selection = { ...OFF, enableRevenueAgent: true, agents: declared({ id: "mine" }) };
  assert.deepEqual(enabledAgents({ ...selection, onlyAgents: ["content", "mine"] }), [
    "content-agent",
    "mine",
  ]);
  assert.deepEqual(enabledAgents({ ...selection, onlyAgents: ["social-media-agent"] }), [
    "social-media-agent",
  ]);
  assert.equal(agentId("acquisition"), "acquisition-agent");
});

Deno.test("names that mean no agent are found", () => {
  const agents = declared({ id: "mine" });
  assert.deepEqual(unknownAgents({ agents, onlyAgents: ["social", "mine", "revnue"] }), ["revnue"]);
  assert.deepEqual(unknownAgents({ agents }), []);
});

Deno.test("a declaration is restarted always and has no protocol unless it says so", () => {
  const [agent] = declared({ id: "mine" });
  assert.deepEqual(agent, {
    id: "mine",
    command: "program",
    enabled: true,
    args: [],
    env: [],
    restart: "always",
    health: "none",
  });
});

Deno.test("what is wrong with a declaration is named", () => {
  assert.match(problems({ id: "A b" })[0]!, /^0\.id: must be lower-case letters/);
  assert.match(problems({ id: "content-agent" })[0]!, /^0\.id: is taken/);
  assert.match(problems({ command: "./here" })[0]!, /^0\.command: must be an absolute path or a bare name/);
  assert.match(problems({ args: ["a\0"] })[0]!, /^0\.args\.0: /);
  assert.match(problems({ env: ["A=secret"] })[0]!, /^0\.env\.0: /);
  assert.match(problems({ restart: "sometimes" })[0]!, /^0\.restart: /);
  assert.match(problems({ shell: true })[0]!, /Unrecognized key/);
  assert.match(problems({}, {})[0]!, /^1\.id: a is declared twice/);
});
