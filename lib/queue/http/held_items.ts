/**
 * What was claimed from a queue that does not remember its claimers: one small file per item, written before the claim
 * is sent, so that no crash can forget it.
 */
import { join } from "node:path";
import { ensurePrivateDir } from "../../paths.ts";
import type { Task } from "../../task/task.ts";

/** One item. `claimed` is false while it is not known whether the claim was granted. */
export interface HeldItem {
  readonly task: Task;
  readonly claimed: boolean;
}

/** The items of one queue, in a folder of its own (0700). */
export class HeldItems {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the item down, durably, in place of what was known of it. */
  async remember(item: HeldItem): Promise<void> {
    await ensurePrivateDir(this.#folder);
    const path = this.#path(item.task.id);
    const file = await Deno.open(`${path}.new`, { write: true, create: true, truncate: true, mode: 0o600 });
    try {
      const bytes = new TextEncoder().encode(JSON.stringify(item));
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(`${path}.new`, path);
  }

  /** It is settled, or was never ours. Fine when it is not known. */
  async forget(id: string): Promise<void> {
    try {
      await Deno.remove(this.#path(id));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** All that are known; `damaged` are the files that cannot be read. */
  async all(): Promise<{ items: HeldItem[]; damaged: string[] }> {
    const items: HeldItem[] = [];
    const damaged: string[] = [];
    for (const name of await this.#names()) {
      const path = join(this.#folder, name);
      try {
        const item = JSON.parse(await Deno.readTextFile(path)) as HeldItem;
        if (typeof item.task.id !== "string") throw new TypeError("no task");
        items.push(item);
      } catch {
        damaged.push(path);
      }
    }
    return { items, damaged };
  }

  async #names(): Promise<string[]> {
    try {
      const entries = await Array.fromAsync(Deno.readDir(this.#folder));
      return entries.map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  #path(id: string): string {
    const safe = encodeURIComponent(id).replaceAll(".", "%2E");
    if (safe === "" || safe.length > 200) {
      throw new Error(`the id ${JSON.stringify(id.slice(0, 50))} is no file name`);
    }
    return join(this.#folder, `${safe}.json`);
  }
}
