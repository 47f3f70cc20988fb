/**
 * Blotato's cloud service and local app without the platforms behind them: they speak the true protocol over a real
 * socket, check what they are sent, and misbehave on demand.
 */
import assert from "node:assert/strict";

/** One request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** JSON, form fields, or bytes. */
  readonly body: unknown;
}

/** How a service behaves. */
export interface BlotatoOptions {
  /** What looks at a post find, in order; the last answer stays. */
  readonly states?: readonly Record<string, unknown>[];
  /** Answers instead of the service, by method and path and how often they were asked; `drop` breaks the answer off. */
  readonly instead?: (route: string, count: number) => Response | "drop" | undefined;
}

/** A running service. */
export interface BlotatoService extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** The bodies of the requests to one route, e.g. `POST /posts`. */
  bodies(route: string): unknown[];
}

/** The only key that {@link blotatoCloud} takes. */
export const BLOTATO_TEST_KEY = "blt_test+key/0123456789=";

/** The cloud service, version 2, with one account: tiktok 98432. */
export function blotatoCloud({ states = [PUBLISHED], instead }: BlotatoOptions = {}): BlotatoService {
  let looks = 0;
  let base = "";
  const service = serve(instead, ({ method, path, headers, body }) => {
    if (path.startsWith("/storage/media.mp4?") && method === "PUT") {
      assert.equal(headers.get("blotato-api-key"), null, "the key must not go to the storage");
      assert.equal(headers.get("content-length"), String((body as Uint8Array).length));
      return new Response();
    }
    if (headers.get("blotato-api-key") !== BLOTATO_TEST_KEY) return refuse(401, "Unauthorized");
    switch (`${method} ${path.split("?")[0]}`) {
      case "GET /users/me/accounts":
        return Response.json({
          items: [{ id: "98432", platform: "tiktok", fullname: "Jane", username: "jane" }],
        });
      case "POST /media":
        assert.deepEqual(Object.keys(body as object), ["url"]);
        return Response.json({
          url: `https://database.blotato.io/${encodeURIComponent((body as { url: string }).url)}`,
        }, {
          status: 201,
        });
      case "POST /media/uploads":
        assert.deepEqual(body, { filename: "media.mp4" });
        return Response.json({
          presignedUrl: `${base}/storage/media.mp4?signature=secret`,
          publicUrl: "https://database.blotato.io/media.mp4",
        });
      case "POST /posts":
        checkPost(body);
        return Response.json({ postSubmissionId: "submission-1" }, { status: 201 });
      case "GET /posts/submission-1":
        return Response.json({
          postSubmissionId: "submission-1",
          ...states[Math.min(looks++, states.length - 1)],
        });
    }
    return refuse(404, `Cannot ${method} ${path}`);
  });
  base = service.url;
  return service;
}

const PUBLISHED = {
  status: "published",
  publicUrl: "https://www.tiktok.com/@jane/video/7345678901234567890",
};

/** The shape that the documentation demands. */
function checkPost(body: unknown): void {
  const { post, ...root } = body as { post: Record<string, unknown>; scheduledTime?: string };
  assert.ok(
    Object.keys(root).every((name) => name === "scheduledTime"),
    "only scheduling stands beside post",
  );
  assert.deepEqual(Object.keys(post).sort(), ["accountId", "content", "target"]);
  const content = post.content as Record<string, unknown>;
  assert.deepEqual(Object.keys(content).sort(), ["mediaUrls", "platform", "text"]);
  assert.ok(Array.isArray(content.mediaUrls));
  assert.equal((post.target as Record<string, unknown>).targetType, content.platform);
}

/** The local app. `post` is its answer to POST /api/post. */
export function blotatoApp(
  { states = [], instead, post = { post_id: "p1", post_url: PUBLISHED.publicUrl } }: BlotatoOptions & {
    readonly post?: unknown;
  } = {},
): BlotatoService {
  let looks = 0;
  return serve(instead, ({ method, path, body }) => {
    switch (`${method} ${path.split("?")[0]}`) {
      case "GET /api/status": {
        if (!path.includes("?")) return Response.json({ status: "ok", version: "1.2.3" });
        return Response.json({ status: "ok", posts: [states[Math.min(looks++, states.length - 1)]] });
      }
      case "POST /api/upload":
        assert.deepEqual(Object.keys(body as object).sort(), ["account_id", "file", "platform"]);
        return Response.json({ media_url: "app://media/1" });
      case "POST /api/post":
        return Response.json(post);
    }
    return refuse(404, "not found");
  });
}

function refuse(statusCode: number, message: string): Response {
  return Response.json({ statusCode, message }, { status: statusCode });
}

function serve(
  instead: BlotatoOptions["instead"],
  answer: (request: SeenRequest) => Response,
): BlotatoService {
  const seen: SeenRequest[] = [];
  const counts = new Map<string, number>();
  const failures: unknown[] = [];
  const server = Deno.serve({ ...LISTEN, onError }, async (request) => {
    try {
      const { pathname, search } = new URL(request.url);
      const route = `${request.method} ${pathname}`;
      const body = await bodyOf(request);
      const one = { method: request.method, path: pathname + search, headers: request.headers, body };
      seen.push(one);
      counts.set(route, (counts.get(route) ?? 0) + 1);
      const other = instead?.(route, counts.get(route)!);
      return other === "drop" ? broken() : other ?? answer(one);
    } catch (error) {
      failures.push(error);
      return refuse(400, String(error));
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    bodies: (route) =>
      seen.filter(({ method, path }) => `${method} ${path.split("?")[0]}` === route).map(({ body }) => body),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      if (failures.length > 0) throw failures[0];
    },
  };
}

const LISTEN = { port: 0, hostname: "127.0.0.1", onListen() {} };
/** Called for answers that break off on purpose; without it Deno prints them. */
const onError = () => new Response(null, { status: 500 });

async function bodyOf(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) return await request.json();
  if (!type.startsWith("multipart/form-data")) return new Uint8Array(await request.arrayBuffer());
  const form = await request.formData();
  const file = form.get("file");
  assert.ok(file instanceof File);
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { ...Object.fromEntries(form), file: { name: file.name, type: file.type, bytes } };
}

/** An answer that breaks off after its head. */
function broken(): Response {
  return new Response(new ReadableStream({ start: (stream) => stream.error(new Error("dropped")) }));
}
