/** Names of buckets and objects: what Supabase Storage takes, and how they stand in a URL. Pure. */
import { StorageFault } from "./fault.ts";

/** What Storage allows, as its own checks have it; others are refused with `InvalidKey`. */
const BUCKET = /^[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}$/;
const SEGMENT = /^[A-Za-z0-9_!.*'() &$=@;:+,?-]+$/;
/** Of object names at S3, which Storage keeps its files in. */
const MAX_PATH_LENGTH = 1_024;

/**
 * `bucket/path` for a URL, each part encoded.
 * @throws StorageFault for a name that Storage does not take or that leads out of its folder
 */
export function encodeObjectName(bucket: string, path: string): string {
  if (!BUCKET.test(bucket) || isDots(bucket)) throw refuse("bucket name", bucket);
  const segments = path.split("/");
  if (
    path.length > MAX_PATH_LENGTH || !segments.every((segment) => SEGMENT.test(segment) && !isDots(segment))
  ) {
    throw refuse("object name", path);
  }
  return [bucket, ...segments].map(encodeURIComponent).join("/");
}

function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}

function refuse(what: string, name: string): StorageFault {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  return new StorageFault(
    `the ${what} ${shown} cannot be used (use letters of the English alphabet, digits and _ - . with / between folders)`,
    { retry: false },
  );
}
