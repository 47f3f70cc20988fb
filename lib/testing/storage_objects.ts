/** The files of a stand-in for Supabase Storage: buckets, objects on disk, ranges, signed addresses. */
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";

/** As a person sets it up in the dashboard. */
export interface Bucket {
  readonly public?: boolean;
  readonly maxBytes?: number;
  /** Media types, e.g. `video/*`; all unless told. */
  readonly types?: readonly string[];
}

/** A stored file. */
export interface StorageObject {
  /** Where its bytes are on disk. */
  readonly file: string;
  readonly bytes: number;
  readonly contentType: string;
  readonly cacheControl: string;
  /** What the client recorded besides. */
  readonly metadata?: Record<string, unknown>;
  readonly etag: string;
}

/** What Storage says when it refuses: the real status stands in the body, the HTTP status is 400. */
export class StorageRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  constructor(status: number, code: string, message: string) {
    this.status = status;
    this.code = code;
    this.message = message;
  }

  response(): Response {
    const { status, code, message } = this;
    return Response.json({ statusCode: String(status), error: code, code, message }, {
      status: status === 500 ? 500 : 400,
    });
  }
}

/** All buckets of one server. */
export class StorageObjects {
  readonly objects = new Map<string, StorageObject>();
  readonly #buckets: Readonly<Record<string, Bucket>>;
  readonly #folder: string;
  readonly #secret = crypto.randomUUID();
  #count = 0;

  constructor(folder: string, buckets: Readonly<Record<string, Bucket>>) {
    this.#folder = folder;
    this.#buckets = buckets;
  }

  /** @throws StorageRefusal when there is no such bucket */
  bucket(name: string): Bucket {
    const bucket = this.#buckets[name];
    if (!bucket) throw new StorageRefusal(404, "NoSuchBucket", "Bucket not found");
    return bucket;
  }

  /** @throws StorageRefusal when the bucket does not take such a file */
  check(name: string, contentType: string, bytes?: number): void {
    const { types, maxBytes = Infinity } = this.bucket(name);
    const group = contentType.split("/")[0];
    if (types && !types.includes(contentType) && !types.includes(`${group}/*`)) {
      throw new StorageRefusal(415, "InvalidMimeType", `mime type ${contentType} is not supported`);
    }
    if (bytes !== undefined && bytes > maxBytes) {
      throw new StorageRefusal(413, "EntityTooLarge", "The object exceeded the maximum allowed size");
    }
  }

  /** A path for a new file's bytes. */
  newFile(): string {
    return join(this.#folder, `object-${++this.#count}`);
  }

  /** Makes a file on disk an object. */
  async put(key: string, object: Omit<StorageObject, "bytes" | "etag">): Promise<void> {
    const { size } = await Deno.stat(object.file);
    this.objects.set(key, {
      ...object,
      bytes: size,
      etag: `"${createHash("md5").update(object.file).digest("hex")}"`,
    });
  }

  /** @throws StorageRefusal when there is none */
  get(key: string): StorageObject {
    const object = this.objects.get(key);
    if (!object) throw new StorageRefusal(404, "NoSuchKey", "Object not found");
    return object;
  }

  info(key: string): Response {
    const { bytes, contentType, cacheControl, metadata, etag } = this.get(key);
    const [bucket_id, ...name] = key.split("/");
    return Response.json({
      name: name.join("/"),
      bucket_id,
      size: bytes,
      content_type: contentType,
      cache_control: cacheControl,
      etag,
      metadata,
    });
  }

  /** The token of a signed address. */
  sign(key: string, seconds: number): string {
    this.get(key);
    const claims = btoa(JSON.stringify({ url: key, exp: Date.now() + seconds * 1_000 })).replace(/=+$/, "");
    return `${claims}.${this.#signature(claims)}`;
  }

  /** @throws StorageRefusal unless the token opens the object now */
  verify(key: string, token: string): void {
    const [claims, signature] = token.split(".");
    const { url, exp } = signature === this.#signature(claims) ? JSON.parse(atob(claims)) : {};
    if (url !== key) throw new StorageRefusal(400, "InvalidJWT", "signature verification failed");
    if (exp < Date.now()) throw new StorageRefusal(400, "InvalidJWT", '"exp" claim timestamp check failed');
  }

  /** The bytes, from where a range request wants them. */
  async serve(key: string, headers: Headers): Promise<Response> {
    const { file, bytes, contentType, etag } = this.get(key);
    const wanted = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1];
    const same = (headers.get("if-range") ?? etag) === etag;
    const start = wanted !== undefined && same ? Number(wanted) : undefined;
    const opened = await Deno.open(file, { read: true });
    await opened.seek(start ?? 0, Deno.SeekMode.Start);
    return new Response(opened.readable, {
      status: start === undefined ? 200 : 206,
      headers: {
        "content-type": contentType,
        "content-length": String(bytes - (start ?? 0)),
        etag,
        "accept-ranges": "bytes",
        ...start === undefined ? {} : { "content-range": `bytes ${start}-${bytes - 1}/${bytes}` },
      },
    });
  }

  #signature(claims: string): string {
    return createHmac("sha256", this.#secret).update(claims).digest("base64url");
  }
}
