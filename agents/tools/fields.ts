/** The kinds of input that the tools share; each bounded, so that no model fills a table or a request with noise. */
import { z } from "zod";

/** The platforms that posts and followers are counted on. */
export const PLATFORMS = ["tiktok", "instagram", "youtube", "twitter", "threads"] as const;

/** The name of a platform. */
export type Platform = typeof PLATFORMS[number];

/** One of the platforms. */
export const platform = z.enum(PLATFORMS);

/** Text of 1 to `max` characters, without control characters besides tabs and line ends. */
export const text = (max: number) =>
  z.string().trim().min(1).max(max).refine(
    // deno-lint-ignore no-control-regex -- control characters are what must not be in it
    (value) => value.isWellFormed() && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(value),
    "must not hold control characters",
  );

/** Text of 1 to `max` characters in one line. */
export const line = (max: number) =>
  text(max).refine((value) => !/[\r\n\t]/.test(value), "must be one line without tabs");

/** What a niche is called, e.g. `solopreneur`. */
export const niche = line(100).describe("the niche, e.g. solopreneur");

/** How many at the most; `usual` unless told. */
export const limit = (most: number, usual: number) => z.int().min(1).max(most).default(usual);

/** How many days back; `usual` unless told. */
export const days = (usual: number, most = 365) =>
  z.int().min(1).max(most).default(usual).describe("how many days back");

/** A month, e.g. `2026-03`. */
export const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "must be a month, YYYY-MM");

/** A day, e.g. `2026-03-14`. */
export const day = z.iso.date();

/** An http or https address without a user and a password. */
export const webAddress = z.string().max(2_048).refine((value) => {
  const url = URL.parse(value);
  return url !== null && ["http:", "https:"].includes(url.protocol) && !url.username && !url.password;
}, "must be an http(s) address");

/** A handle as the platform shows it, without the @. */
export const handle = z.string().trim().transform((value) => value.replace(/^@/, "")).pipe(
  z.string().regex(/^[\p{L}\p{N}._-]{1,100}$/u, "must be a handle"),
);

/** The id of a row. */
export const id = z.uuid();

/** Cuts `value` to `max` characters, and says so by an ellipsis. */
export function clip(value: string, max: number): string {
  return value.length <= max ? value : `${value.slice(0, max - 1).toWellFormed()}…`;
}
