/** `/tokens`: who may speak to the control API besides the home folder's own token. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { type Clock, systemClock } from "../../clock.ts";
import { ApiError } from "../api_error.ts";
import { asObject, readJson } from "../body.ts";
import type { GuardedEnv } from "../guard.ts";
import { requireScope, SCOPES } from "./scopes.ts";
import { type AccessTokens, MOST_TOKENS, TOKEN_NAME, TokenRefusedError } from "./tokens.ts";

const time = z.iso.datetime({ offset: true });

/** A token as it is shown; never the token itself. */
export const accessTokenSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  scope: z.enum(SCOPES),
  created_at: time,
  last_used_at: time.nullable().describe("To the minute."),
  expires_at: time.nullable().describe("Null: it holds until it is revoked."),
}).openapi("AccessToken", {
  example: {
    id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    name: "laptop",
    scope: "read",
    created_at: "2026-11-29T12:00:00.000Z",
    last_used_at: null,
    expires_at: "2026-12-29T12:00:00.000Z",
  },
});

/** A token that is asked for. */
export const newTokenSchema = z.strictObject({
  name: z.string().regex(
    TOKEN_NAME,
    "must be 1 to 60 letters, digits, spaces, dots, dashes, underscores or @, and begin with a letter or digit",
  ),
  scope: z.enum(SCOPES, `must be one of ${SCOPES.join(", ")}`),
  expires_at: time.nullable().optional(),
}).openapi("NewAccessToken", { example: { name: "laptop", scope: "read" } });

const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }),
}).openapi("Error");

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const refusals = {
  401: json(errorSchema, "Without a token: `unauthorized`"),
  403: json(errorSchema, "With less than the scope admin: `forbidden`"),
};

/** What the OpenAPI document says of `/tokens`. */
export const TOKEN_ROUTES = {
  list: createRoute({
    method: "get",
    path: "/tokens",
    tags: ["access"],
    summary: "All tokens, without the secrets",
    description: `At most ${MOST_TOKENS}, so all of them in one answer. Needs the scope admin.`,
    responses: {
      200: json(
        z.object({ tokens: z.array(accessTokenSchema), next_cursor: z.string().nullable() }),
        "The tokens, oldest first",
      ),
      ...refusals,
    },
  }),
  create: createRoute({
    method: "post",
    path: "/tokens",
    tags: ["access"],
    summary: "Make a token",
    description: "The answer tells the secret, once; it is kept nowhere. Needs the scope admin.",
    request: { body: { required: true, content: { "application/json": { schema: newTokenSchema } } } },
    responses: {
      201: json(accessTokenSchema.extend({ secret: z.string() }), "The token and its secret"),
      400: json(errorSchema, "A field is missing or wrong: `bad_request`"),
      409: json(errorSchema, "The name is taken, or there are too many: `conflict`"),
      ...refusals,
    },
  }),
  revoke: createRoute({
    method: "delete",
    path: "/tokens/{id}",
    tags: ["access"],
    summary: "End a token at once",
    description: "Streams that were opened with it end within 15 seconds. Needs the scope admin.",
    request: { params: z.object({ id: z.uuid() }) },
    responses: {
      200: json(accessTokenSchema, "The token that was revoked"),
      404: json(errorSchema, "There is no such token: `not_found`"),
      ...refusals,
    },
  }),
};

/** `GET /tokens`, `POST /tokens`, `DELETE /tokens/:id`. */
export function tokenRoutes(tokens: AccessTokens, clock: Clock = systemClock): OpenAPIHono<GuardedEnv> {
  const app = new OpenAPIHono<GuardedEnv>();
  for (const route of Object.values(TOKEN_ROUTES)) app.openAPIRegistry.registerPath(route);
  app.use("/tokens/*", requireScope("admin"));
  app.get("/tokens", (c) => c.json({ tokens: tokens.list(), next_cursor: null }));
  app.post("/tokens", async (c) => {
    const wish = newTokenSchema.safeParse(asObject(await readJson(c.req.raw, undefined, clock)));
    if (!wish.success) throw badRequest(wish.error);
    const { name, scope, expires_at } = wish.data;
    try {
      return c.json(tokens.create({ name, scope, expiresAt: expires_at ?? undefined }), 201);
    } catch (error) {
      if (!(error instanceof TokenRefusedError)) throw error;
      throw new ApiError(409, "conflict", error.message);
    }
  });
  app.delete("/tokens/:id", (c) => {
    const revoked = tokens.revoke(c.req.param("id"));
    if (!revoked) throw new ApiError(404, "not_found", "there is no such token");
    return c.json(revoked);
  });
  return app;
}

/** Names every field that is wrong. */
function badRequest({ issues }: z.ZodError): ApiError {
  const words = issues.slice(0, 5).map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`);
  return new ApiError(400, "bad_request", words.join("; "));
}
