import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import openapiTS, { astToString } from "openapi-typescript";
import type { Database } from "../../database/database.ts";
import { tempDir } from "../../testing/temp.ts";
import type { SupervisedAgents } from "../routes/agent_routes.ts";
import { controlApp } from "../server.ts";
import { ERROR_CODES } from "./error_codes.ts";

const TOKEN = "t".repeat(43);
const HEADERS = { host: "localhost", authorization: `Bearer ${TOKEN}` };
const unused = () => {
  throw new Error("not asked for here");
};
const database: Database = { description: "", call: unused, close: () => Promise.resolve() };

/** With everything that can be mounted. */
const app = controlApp({
  worker: { status: unused, wake: unused },
  agents: {} as SupervisedAgents,
  database,
  embedded: true,
  reload: unused,
  metrics: unused,
  token: TOKEN,
}, () => 80);

// deno-lint-ignore no-explicit-any
type Document = any;

async function read(): Promise<Document> {
  return await (await app.request("/openapi.json", { headers: HEADERS })).json();
}

const document = await read();
const operations = Object.entries<Document>(document.paths).flatMap(([path, item]) =>
  Object.entries<Document>(item).map(([method, operation]) => ({ method, path, operation }))
);

Deno.test("an independent validator finds the description valid", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.equal(valid, true, JSON.stringify(errors, null, 2)?.slice(0, 4000));
});

Deno.test("every route that is served is described, and the other way round", () => {
  const elsewhere = /^(GET \/(app\.js|style\.css)?|ALL .*)$/;
  const served = app.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`)
    .filter((route) => !elsewhere.test(route));
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  // Mounted by others.
  const later = ["GET /events"].filter((route) => !served.includes(route));
  assert.deepEqual([...new Set([...served, ...later])].sort(), described.sort());
});

Deno.test("every operation has a name of its own, a summary, a tag, and the errors it may answer with", () => {
  assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length);
  const tags = new Set(document.tags.map(({ name }: { name: string }) => name));
  for (const { path, operation } of operations) {
    assert.ok(operation.summary, path);
    assert.ok(operation.tags.every((tag: string) => tags.has(tag)), `${path}: ${operation.tags}`);
    assert.ok(operation.responses["500"], path);
    if (!operation.security) {
      for (const status of ["401", "403"]) assert.ok(operation.responses[status], path);
    }
    if (path.includes("{id}")) assert.ok(operation.responses["404"] ?? operation.responses["200"], path);
  }
});

Deno.test("every schema that has a name has an example", () => {
  for (const [name, schema] of Object.entries<Document>(document.components.schemas)) {
    assert.ok(schema.example !== undefined, name);
  }
});

Deno.test("every error code is listed with its meaning", () => {
  const { code } = document.components.schemas.ApiError.properties.error.properties;
  assert.deepEqual(code.enum, Object.keys(ERROR_CODES));
  for (const [name, meaning] of Object.entries(ERROR_CODES)) {
    assert.ok(document.info.description.includes(`- \`${name}\`: ${meaning}`), name);
  }
});

Deno.test("the description is for those who have the token", async () => {
  assert.equal((await app.request("/openapi.json", { headers: { host: "localhost" } })).status, 401);
});

const USE = `
import createClient from "openapi-fetch";
import type { components, paths } from "./control_api.ts";

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8090", headers: { authorization: "Bearer x" } });

export async function use(): Promise<string> {
  const { data, error } = await client.GET("/tasks", { params: { query: { status: ["failed"], limit: 5 } } });
  if (error) {
    const code: components["schemas"]["ApiError"]["error"]["code"] = error.error.code;
    return code;
  }
  const line: components["schemas"]["TaskLine"] | undefined = data.tasks[0];
  const made = await client.POST("/tasks", { body: { task_type: "a", input_data: {} } });
  const one = await client.GET("/tasks/{id}", { params: { path: { id: made.data?.[0]?.id ?? "" }, query: { wait: 30 } } });
  const attempts: number | undefined = one.data?.history.length;
  await client.POST("/agents/{id}/restart", { params: { path: { id: "content" } } });
  await client.POST("/agents/task", { body: { agent_type: "content", goal: "write" } });
  const jobs = await client.GET("/scheduler/jobs");
  const next: string | null | undefined = jobs.data?.jobs[0]?.next_run_time;
  // @ts-expect-error: there is no such route
  await client.GET("/nowhere");
  // @ts-expect-error: a reason is text
  await client.POST("/tasks/{id}/cancel", { params: { path: { id: "" } }, body: { reason: 7 } });
  return [line?.status, attempts, next].join();
}
`;

Deno.test("a client generated from the description type-checks, and refuses what the description does", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(
    `${dir.path}/control_api.ts`,
    astToString(await openapiTS(structuredClone(document))),
  );
  await Deno.writeTextFile(`${dir.path}/use.ts`, USE);
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "-q", "--no-lock", "--config", config, `${dir.path}/use.ts`],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});
