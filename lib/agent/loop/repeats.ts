/** Notices a model that goes round in circles. Pure but for its own count. */
import { actDigest } from "../../outward/digest.ts";

/** So often may the same call come in a row of answers. */
export const MAX_REPEATS = 3;

/** Counts how often the same call came, one answer of the model after the other. */
export class RepeatedCalls {
  #counts = new Map<string, number>();

  /** Takes the calls of one answer; true when one of them has now come {@link MAX_REPEATS} times in a row. */
  add(calls: readonly { readonly name: string; readonly input: unknown }[]): boolean {
    const now = new Map<string, number>();
    for (const { name, input } of calls) {
      const key = actDigest({ kind: name, summary: "", preview: { input } });
      now.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    this.#counts = now; // what did not come this time begins anew
    return [...now.values()].some((count) => count >= MAX_REPEATS);
  }
}
