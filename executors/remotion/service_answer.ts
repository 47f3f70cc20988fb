/**
 * Reads the answers of a render service: `202 {jobId, status, pollUrl}` to a request, and of its job
 * `{id, status, result: {videoUrl | videoPath, …}, error}`. The documents of the service write names both as
 * `jobId` and as `job_id`, so both are taken. Pure.
 */

/** Where the finished video is. */
export interface RemoteVideo {
  /** A URL, or undefined where the service tells only a path on its own machine. */
  readonly url?: string;
  readonly path?: string;
  readonly thumbnailUrl?: string;
}

/** What a job is doing. */
export type RemoteJob =
  | { readonly state: "working"; readonly status: string; readonly percent?: number }
  | { readonly state: "done"; readonly video: RemoteVideo }
  | { readonly state: "failed"; readonly error: string }
  | { readonly state: "cancelled" };

type Fields = Readonly<Record<string, unknown>>;

/** The job's id; undefined when the answer names none. */
export function readSubmitted(body: unknown): string | undefined {
  const fields = unwrap(body);
  const id = text(fields, "jobId", "job_id", "id") ?? text(unwrap(fields.job), "jobId", "job_id", "id");
  return id !== undefined && id.length <= 200 && !/^\.*$/.test(id) ? id : undefined;
}

/** The job; an unknown status counts as working, as the time limit ends that. @param base of relative URLs */
export function readJob(body: unknown, base: string): RemoteJob {
  const outer = unwrap(body);
  const fields = typeof outer.job === "object" && outer.job !== null ? outer.job as Fields : outer;
  const status = (text(fields, "status", "state") ?? "").toLowerCase();
  if (/^(completed?|succeeded|success|done|finished)$/.test(status)) {
    return { state: "done", video: readVideo(fields, base) };
  }
  if (/^(failed|failure|error)$/.test(status)) {
    return { state: "failed", error: readError(fields) ?? "it tells no reason" };
  }
  if (/^cancell?ed$/.test(status)) return { state: "cancelled" };
  const told = typeof fields.progress === "object"
    ? (fields.progress as Fields | null)?.percent
    : fields.progress;
  const percent = typeof told === "number" && told >= 0 && told <= 100 ? told : undefined;
  return {
    state: "working",
    status,
    ...percent === undefined ? {} : { percent: percent <= 1 ? percent * 100 : percent },
  };
}

/** The message in an answer that refuses; undefined where there is none. */
export function readError(body: unknown): string | undefined {
  const fields = typeof body === "object" && body !== null ? body as Fields : {};
  const inner = typeof fields.error === "object" && fields.error !== null ? fields.error as Fields : fields;
  const found = text(inner, "message", "error");
  return found?.replace(/\s+/g, " ").slice(0, 500);
}

function readVideo(fields: Fields, base: string): RemoteVideo {
  const result = [fields.result, fields.output, fields].find((part) =>
    typeof part === "object" && part !== null
  );
  const inner = result as Fields;
  const url = address(text(inner, "videoUrl", "video_url", "outputUrl", "output_url", "url"), base);
  const path = text(inner, "videoPath", "video_path", "outputPath", "output_path");
  const pathIsUrl = path !== undefined && /^https?:\/\//i.test(path);
  const thumbnailUrl = address(text(inner, "thumbnailUrl", "thumbnail_url"), base);
  return {
    ...url !== undefined ? { url } : pathIsUrl ? { url: path } : {},
    ...path === undefined || pathIsUrl ? {} : { path },
    ...thumbnailUrl === undefined ? {} : { thumbnailUrl },
  };
}

function address(value: string | undefined, base: string): string | undefined {
  const url = value === undefined ? null : URL.parse(value, `${base}/`);
  return url && ["http:", "https:"].includes(url.protocol) ? url.href : undefined;
}

function unwrap(body: unknown): Fields {
  if (typeof body !== "object" || body === null) return {};
  const { data } = body as Fields;
  return typeof data === "object" && data !== null ? data as Fields : body as Fields;
}

function text(fields: Fields, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "string" && value.trim() !== "") return value;
    if (typeof value === "number" && /id$/i.test(name)) return String(value);
  }
}
