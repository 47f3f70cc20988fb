/** What a caller may do, and what each request needs. Pure, but for the middleware. */
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../api_error.ts";
import type { GuardedEnv } from "../guard.ts";

/** Each may do what those before it may: look; run the worker; change who may do what, and the configuration. */
export const SCOPES = ["read", "operate", "admin"] as const;
/** One of {@link SCOPES}. */
export type Scope = typeof SCOPES[number];

/** Whether the one scope is enough where the other is needed. */
export function allows(held: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(held) >= SCOPES.indexOf(needed);
}

interface ScopeRule {
  /** Any method unless told. */
  readonly method?: string;
  readonly path: RegExp;
  readonly scope: Scope;
}

/** The first that fits counts; what fits none needs `read` to look and `operate` to change. */
const RULES: readonly ScopeRule[] = [
  { path: /^\/(tokens|audit|reload|database)(\/|$)/, scope: "admin" },
  { path: /^\/session\/code(\/|$)/, scope: "admin" },
  { path: /^\/rest\/v1(\/|$)/, scope: "admin" },
  // The one GET that changes something.
  { method: "GET", path: /^\/agents\/[^/]+\/restart(\/|$)/, scope: "operate" },
];

/** The scope that a request needs; `path` as the router sees it. */
export function scopeNeeded(method: string, path: string): Scope {
  const rule = RULES.find((rule) => (rule.method ?? method) === method && rule.path.test(path));
  return rule?.scope ?? (isChange(method, path) ? "operate" : "read");
}

/** Whether a request may change something. */
export function isChange(method: string, path: string): boolean {
  return !["GET", "HEAD", "OPTIONS"].includes(method) || /^\/agents\/[^/]+\/restart(\/|$)/.test(path);
}

/** Whether the answer holds a secret that is told once and must be kept nowhere, as under an idempotency key. */
export function tellsSecret(path: string): boolean {
  return /^\/(tokens|session)(\/|$)/.test(path);
}

/** Refuses whoever has less than this scope. @throws {@link ApiError} 403 */
export function requireScope(scope: Scope): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    refuseLess(c.get("scope"), scope);
    await next();
  };
}

/** Refuses whoever has less than the table asks for. @throws {@link ApiError} 403 */
export function scopeOfTable(): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    refuseLess(c.get("scope"), scopeNeeded(c.req.method, c.req.path));
    await next();
  };
}

function refuseLess(held: Scope | undefined, needed: Scope): void {
  if (held !== undefined && allows(held, needed)) return;
  throw new ApiError(403, "forbidden", `This needs the scope ${needed}; you have ${held ?? "none"}`, {
    scope_needed: needed,
  });
}
