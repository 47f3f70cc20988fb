/** Reads what script-writing and hook-scoring services answer, in the shapes that they use. Pure. */
import { z } from "zod";
import { clip } from "../fields.ts";

const record = z.record(z.string(), z.unknown());

/** A script's words as a service gave them. */
export interface WrittenScript {
  readonly hook: string;
  readonly body: string;
}

/** The scripts of an answer: a list, or one under `data`, `scripts`, `variants` or `results`. Entries without text are left out. */
export function readScripts(body: unknown): WrittenScript[] {
  const list = listIn(body, ["scripts", "variants", "results", "items"]);
  return list.flatMap((entry) => {
    if (typeof entry === "string") return written(undefined, entry);
    const read = record.safeParse(entry);
    if (!read.success) return [];
    const text = pick(read.data, ["script", "video_script", "body", "text", "content"]);
    return written(pick(read.data, ["hook", "hook_text", "title"]), text);
  });
}

function written(hook: string | undefined, body: string | undefined): WrittenScript[] {
  const text = body?.trim();
  if (!text) return [];
  const first = hook?.trim() || text.split(/(?<=[.!?])\s|\n/)[0]!;
  return [{ hook: clip(first.replace(/\s+/g, " "), 300), body: clip(text, 10_000) }];
}

/** The score of 0 to 100 in an answer, and the reasons against the hook. Undefined where there is no score. */
export function readScore(body: unknown): { score: number; reasons: string[] } | undefined {
  const outer = record.safeParse(body);
  if (!outer.success) return undefined;
  const inner = record.safeParse(outer.data.data ?? outer.data.review ?? outer.data);
  if (!inner.success) return undefined;
  const figures = inner.data;
  const score = ["score", "total_score", "overall_score", "weighted_score"].map((name) => figures[name])
    .find((value) => typeof value === "number" && value >= 0 && value <= 100);
  if (typeof score !== "number") return undefined;
  return { score, reasons: reasonsIn(figures.rejection_reasons ?? figures.reasons ?? figures.feedback) };
}

function reasonsIn(value: unknown): string[] {
  const list = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  return list.filter((reason) => typeof reason === "string").slice(0, 10).map((reason) => clip(reason, 300));
}

function listIn(body: unknown, names: readonly string[]): unknown[] {
  if (Array.isArray(body)) return body.slice(0, 100);
  const read = record.safeParse(body);
  if (!read.success) return [];
  const inner = names.map((name) => read.data[name]).find(Array.isArray);
  return inner?.slice(0, 100) ?? (read.data.data === undefined ? [] : listIn(read.data.data, names));
}

function pick(from: Record<string, unknown>, names: readonly string[]): string | undefined {
  return names.map((name) => from[name]).find((value) => typeof value === "string");
}
