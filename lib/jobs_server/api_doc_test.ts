import assert from "node:assert/strict";
import type { Database } from "../database/database.ts";
import { describeApi } from "./api_doc.ts";
import { jobsApp } from "./app.ts";

const NOTHING: Database = {
  description: "",
  call: () => Promise.reject(new Error("not asked for here")),
  close: () => Promise.resolve(),
};

/** `POST /api/v1/jobs/{run_id}/cancel` */
function described(): string[] {
  return Object.entries(describeApi().paths!).flatMap(([path, item]) =>
    Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`)
  );
}

Deno.test("every call that is answered is described, and the other way round", () => {
  const { app } = jobsApp({ database: NOTHING, homeToken: "t", leaseSeconds: 300 });
  const served = app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("/openapi.json"))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  assert.deepEqual([...new Set(served)].sort(), described().sort());
});

Deno.test("every request body has an example that its own schema describes, and every call its errors", () => {
  const { paths, components, openapi } = describeApi();
  assert.match(openapi, /^3\.1/);
  const schemas = components!.schemas as Record<string, { example?: unknown }>;
  for (const [path, item] of Object.entries(paths!)) {
    // deno-lint-ignore no-explicit-any
    for (const operation of Object.values(item as Record<string, any>)) {
      const reference = operation.requestBody?.content["application/json"].schema.$ref as string | undefined;
      if (reference) assert.ok(schemas[reference.split("/").at(-1)!]!.example, reference);
      for (const status of ["400", "401", "503"]) assert.ok(operation.responses[status], `${path} ${status}`);
    }
  }
});
