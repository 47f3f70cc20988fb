/** What makes two outward acts of a task the same. Pure. */
import { createHash } from "node:crypto";
import type { OutwardAct } from "../task/task.ts";

/** SHA-256 (hex) of what the act is and shows, whatever the order of its keys. */
export function actDigest({ kind, platform, account, preview }: OutwardAct): string {
  return createHash("sha256").update(canonical({ kind, platform, account, preview })).digest("hex");
}

/** JSON with the keys of every object in order, and without those that are undefined. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}
