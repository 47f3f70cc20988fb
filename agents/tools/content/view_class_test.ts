import { equal } from "node:assert/strict";
import { classify } from "./view_class.ts";

Deno.test("posts are classified by their views: each class begins above its bound", () => {
  const bounds = [[100, "flop"], [1_000, "weak"], [10_000, "average"], [100_000, "strong"]] as const;
  const above = ["weak", "average", "strong", "viral"];
  equal(classify(0), "flop");
  for (const [index, [bound, name]] of bounds.entries()) {
    equal(classify(bound), name);
    equal(classify(bound + 1), above[index]);
  }
});
