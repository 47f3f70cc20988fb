/** `/openapi.json`: what the routes that are mounted say of themselves (OpenAPI 3.1). */
import { VERSION } from "../../version.ts";
import { ERROR_CODES } from "./error_codes.ts";
import { describePlainRoutes } from "./plain_routes.ts";
import type { ApiRoutes } from "./route.ts";

/** An OpenAPI 3.1 document. */
export type ApiDocument = ReturnType<ApiRoutes["getOpenAPI31Document"]>;

const TAGS: Readonly<Record<string, string>> = {
  status: "How the worker fares",
  tasks: "What is to be done, is being done and was done",
  workers: "Who does it",
  queues: "Where tasks come from; pauses and limits",
  agents: "Agents, their runs and their goals",
  scheduler: "Routines",
  approvals: "Outward acts that wait for a person's word",
  disputes: "Disputes about tasks and their rewards",
  alerts: "What needs a person, and what people were told",
  events: "Every change as it happens",
  daemon: "The daemon itself",
  access: "Tokens, and who did what",
  session: "How the dashboard's page gets in",
  database: "The embedded database for other local processes",
};

const DESCRIPTION = [
  "Lists are `{<noun>: [...], next_cursor}`: ask again with `cursor`; null ends them. They carry an ETag; with If-None-Match, what has not changed is a 304.",
  "Every POST takes an `Idempotency-Key` (1 to 200 characters): the same request with the same key within 24 hours is answered as the first was, with `Idempotency-Replayed: true`, and nothing is done twice.",
  "A GET needs the scope `read`, a POST `operate`, and `/reload`, `/tokens`, `/audit`, `/session/code` and `/rest/v1/rpc` need `admin`.",
  "Errors are `{error: {code, message, details?}}`. The codes:",
  ...Object.entries(ERROR_CODES).map(([code, meaning]) => `- \`${code}\`: ${meaning}`),
].join("\n\n").replaceAll("\n\n- ", "\n- ");

/** Describes all routes of the app. Call it once, when all are mounted. */
export function describeApp(app: ApiRoutes): () => ApiDocument {
  describePlainRoutes(app);
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "A token: that of the home folder's token file, or one made by `actp-worker tokens create`.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "actp_session",
    description: "The dashboard's own page.",
  });
  let document: ApiDocument | undefined;
  return () =>
    document ??= app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "actp-worker",
        version: VERSION,
        description: DESCRIPTION,
        license: { name: "MIT" },
      },
      servers: [{ url: "/", description: "The worker that told this" }],
      security: [{ token: [] }, { session: [] }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    });
}
