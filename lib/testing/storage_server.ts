/**
 * A stand-in for a Supabase project's Storage, over a real socket: a real tus server for resumable uploads, and what
 * stands beside it (objects, buckets, signed addresses) with Storage's paths, headers and answers. Written after
 * https://github.com/supabase/storage and https://supabase.github.io/storage.
 */
import { join } from "node:path";
import { FileStore } from "@tus/file-store";
import { Server as TusServer } from "@tus/server";
import { type Bucket, StorageObjects, StorageRefusal } from "./storage_objects.ts";
import { tempDir } from "./temp.ts";

/** One request that came in. */
export interface SeenRequest {
  readonly method: string;
  /** Below `/storage/v1`, without query. */
  readonly path: string;
  readonly headers: Headers;
  /** Of its body, so far. */
  bytes: number;
}

/** A running server; disposal stops it and removes its files. */
export interface StorageServerStandIn extends AsyncDisposable {
  /** Use it as SUPABASE_URL. */
  readonly url: string;
  readonly port: number;
  /** Use it as SUPABASE_SECRET_KEY. */
  readonly key: string;
  readonly requests: SeenRequest[];
  readonly objects: StorageObjects;
  /** Bytes of files that have come in, over all requests. */
  received(): number;
  /** Answers in place of the server where it returns something. Its body is read to the end first, unless `early`. */
  intercept?: (request: SeenRequest) => Response | undefined;
  early: boolean;
  /** Replaces the answer to a request that has been carried out: what a gateway does when it runs out of patience. */
  replace?: (request: SeenRequest, answer: Response) => Response | undefined;
  /** Called with {@link received} as bytes come in. */
  onReceived?: (total: number) => unknown;
  /** Loses unfinished uploads: `gone` if it still knows of them, else as if there had been none. */
  loseUploads(how: "gone" | "unknown"): Promise<void>;
}

const PREFIX = "/storage/v1";
const RESUMABLE = "/upload/resumable";
/** What a server in a container thinks its address is. */
const INNER_ADDRESS = "http://storage.internal:5000";

/** Starts a server on loopback. */
export async function startStorageServer(
  buckets: Readonly<Record<string, Bucket>>,
): Promise<StorageServerStandIn> {
  const folder = await tempDir();
  const uploads = join(folder.path, "uploads");
  await Deno.mkdir(uploads);
  const objects = new StorageObjects(folder.path, buckets);
  const key = `sb_secret_${crypto.randomUUID()}`;
  const requests: SeenRequest[] = [];
  const tus = startTus(uploads, objects);

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(`${PREFIX}/`)) {
      return Response.json({ message: "no Route matched with those values" }, { status: 404 });
    }
    const seen = {
      method: request.method,
      path: pathname.slice(PREFIX.length),
      headers: new Headers(request.headers),
      bytes: 0,
    };
    requests.push(seen);
    const early = server.early ? server.intercept?.(seen) : undefined;
    if (early) return early;
    const body = request.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          seen.bytes += chunk.length;
          server.onReceived?.(server.received());
          controller.enqueue(chunk);
        },
      }),
    );
    const instead = server.intercept?.(seen);
    if (instead) {
      await drain(body);
      return instead;
    }
    const isOpen = request.method === "GET" && /^\/object\/(public|sign)\//.test(seen.path);
    if (!isOpen && !isAuthorized(request.headers, key)) {
      await drain(body);
      return Response.json({ message: "Invalid API key", hint: "Double check your Supabase API key." }, {
        status: 401,
      });
    }
    const { url, method, headers } = request;
    const counted = new Request(url, { method, headers, body });
    if (seen.path.startsWith(RESUMABLE)) {
      const answered = await tus.handleWeb(counted);
      return server.replace?.(seen, answered) ?? answered;
    }
    try {
      return await answerObject(counted, seen.path, objects);
    } catch (error) {
      if (!(error instanceof StorageRefusal)) throw error;
      if (!counted.bodyUsed) await drain(body);
      return error.response();
    }
  };

  const abort = new AbortController();
  const http = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
    // A client that went away in the middle of its request.
    onError: (error) => new Response(String(error), { status: 500 }),
  }, answer);
  const server: StorageServerStandIn = {
    url: `http://127.0.0.1:${http.addr.port}`,
    port: http.addr.port,
    key,
    requests,
    objects,
    early: false,
    received: () =>
      requests.reduce((sum, { path, bytes }) => path.startsWith("/object/sign/") ? sum : sum + bytes, 0),
    async loseUploads(how) {
      for await (const { name } of Deno.readDir(uploads)) {
        if (how === "unknown" || !name.endsWith(".json")) await Deno.remove(join(uploads, name));
      }
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await http.finished;
      await folder[Symbol.asyncDispose]();
    },
  };
  return server;
}

/** A body that nobody reads would keep its connection busy. Its bytes are counted on the way. */
async function drain(body: ReadableStream | undefined): Promise<void> {
  await body?.pipeTo(new WritableStream());
}

function isAuthorized(headers: Headers, key: string): boolean {
  return headers.get("apikey") === key && headers.get("authorization") === `Bearer ${key}`;
}

/** The real tus server, with what Storage's own hooks check and do. */
function startTus(directory: string, objects: StorageObjects): TusServer {
  const refuse = (refusal: unknown) => {
    // In plain text and with its true status, other than the rest of Storage.
    if (refusal instanceof StorageRefusal) return { status_code: refusal.status, body: refusal.message };
    throw refusal;
  };
  return new TusServer({
    path: PREFIX + RESUMABLE,
    datastore: new FileStore({ directory }),
    lockDrainTimeout: 50,
    generateUrl: (_request, { id }) => `${INNER_ADDRESS}${RESUMABLE}/${id}`,
    onUploadCreate(_request, upload) {
      const { bucketName, contentType } = upload.metadata ?? {};
      try {
        objects.check(bucketName ?? "", contentType ?? "", upload.size);
      } catch (error) {
        return Promise.reject(refuse(error));
      }
      return Promise.resolve({});
    },
    async onUploadFinish(request, upload) {
      const { bucketName, objectName, contentType, cacheControl, metadata } = upload.metadata!;
      const objectKey = `${bucketName}/${objectName}`;
      if (objects.objects.has(objectKey) && request.headers.get("x-upsert") !== "true") {
        throw { status_code: 409, body: "The resource already exists" };
      }
      const file = objects.newFile();
      await Deno.link(join(directory, upload.id), file);
      await objects.put(objectKey, {
        file,
        contentType: contentType!,
        cacheControl: `max-age=${cacheControl}`,
        metadata: metadata ? JSON.parse(metadata) : undefined,
      });
      return {};
    },
  });
}

/** Everything but resumable uploads. */
async function answerObject(request: Request, path: string, objects: StorageObjects): Promise<Response> {
  const { method, headers } = request;
  const [, area, ...names] = path.split("/").map(decodeURIComponent);
  if (area === "bucket") return Response.json({ id: names[0], public: false, ...objects.bucket(names[0]) });
  if (area !== "object") throw new StorageRefusal(404, "NotFound", `Route ${method}:${path} not found`);
  const [verb, ...rest] = names;
  const key = rest.join("/");
  if (method === "GET" && verb === "info") return objects.info(key);
  if (method === "GET" && verb === "public") {
    if (!objects.bucket(rest[0]).public) throw new StorageRefusal(404, "NoSuchBucket", "Bucket not found");
    return await objects.serve(key, headers);
  }
  if (method === "GET" && verb === "sign") {
    objects.verify(key, new URL(request.url).searchParams.get("token") ?? "");
    return await objects.serve(key, headers);
  }
  if (method === "POST" && verb === "sign") {
    const { expiresIn } = await request.json();
    return Response.json({ signedURL: `/object/sign/${key}?token=${objects.sign(key, expiresIn)}` });
  }
  if (method === "POST") return await takeObject(request, names.join("/"), objects);
  throw new StorageRefusal(404, "NotFound", `Route ${method}:${path} not found`);
}

/** A whole file in one request. */
async function takeObject(request: Request, key: string, objects: StorageObjects): Promise<Response> {
  const { headers } = request;
  const contentType = headers.get("content-type") ?? "application/octet-stream";
  const [bucket] = key.split("/");
  objects.check(bucket, contentType);
  if (objects.objects.has(key) && headers.get("x-upsert") !== "true") {
    throw new StorageRefusal(409, "ResourceAlreadyExists", "The resource already exists");
  }
  const file = objects.newFile();
  await Deno.writeFile(file, request.body ?? new Uint8Array());
  objects.check(bucket, contentType, (await Deno.stat(file)).size);
  const metadata = headers.get("x-metadata");
  await objects.put(key, {
    file,
    contentType,
    cacheControl: headers.get("cache-control") ?? "no-cache",
    metadata: metadata ? JSON.parse(atob(metadata)) : undefined,
  });
  return Response.json({ Key: key });
}
