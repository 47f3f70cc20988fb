import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { z } from "zod";
import { approvalRulesSchema, mcpServersSchema, modelPricesSchema } from "./agent_rules.ts";

function problem(schema: z.ZodType, value: unknown): string {
  const parsed = schema.safeParse(value);
  ok(!parsed.success, "it was taken");
  return parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n");
}

Deno.test("a rule says how many acts a day it trusts", () => {
  equal(approvalRulesSchema.parse([{ platform: "tiktok", kinds: ["comment"], perDay: 5 }]).length, 1);
  match(problem(approvalRulesSchema, [{ platform: "tiktok" }]), /0\.perDay: must be a whole number/);
  match(problem(approvalRulesSchema, [{ perDay: 0 }]), /0\.perDay: must be 1 to 1000/);
  match(problem(approvalRulesSchema, [{ perDay: 1, everything: true }]), /everything/);
});

Deno.test("an MCP server is a program or an address, with the tools that are allowed", () => {
  const { files, web } = mcpServersSchema.parse({
    files: { command: "mcp-files", allow: ["read"] },
    web: { url: "http://127.0.0.1:3000/mcp", headersEnv: { Authorization: "WEB_TOKEN" }, allow: ["*"] },
  });
  deepEqual(files, {
    command: "mcp-files",
    args: [],
    env: [],
    allow: ["read"],
    approve: [],
    timeoutSeconds: 60,
  });
  equal("url" in web! && web.url, "http://127.0.0.1:3000/mcp");
});

Deno.test("a server without a list of tools, with both ways or with a secret in its address is refused", () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ command: "x" }, /must have a command or a url, and a list `allow` of tools/],
    [{ command: "x", url: "http://a", allow: ["*"] }, /must have a command or a url/],
    [{ url: "http://user:password@host/", allow: ["*"] }, /^s\.url: must be an http/],
    [{ url: "http://host/?key=1", allow: ["*"] }, /^s\.url: must be an http/],
    [{ command: "./x", allow: ["*"] }, /^s\.command: must be an absolute path or a bare name/],
    [{ command: "x", allow: [] }, /^s\.allow: must name at least one tool/],
  ];
  for (const [server, message] of refused) match(problem(mcpServersSchema, { s: server }), message);
  match(problem(mcpServersSchema, { "two words": { command: "x", allow: ["*"] } }), /two words/);
});

Deno.test("prices have an input and an output, and may have more", () => {
  equal(modelPricesSchema.parse({ m: { input: 1, output: 2, cacheRead: 0.1 } }).m!.cacheRead, 0.1);
  match(problem(modelPricesSchema, { m: { input: 1 } }), /m\.output/);
  match(problem(modelPricesSchema, { m: { input: -1, output: 2 } }), /m\.input/);
});
