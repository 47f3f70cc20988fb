import { match } from "node:assert/strict";
import { newsText } from "./news.ts";

Deno.test("what is not known to have happened is told as such", () => {
  const row = { id: "1", tool_name: "t", summary: "post a", decided_by: null, reason: null, result: null };
  match(
    newsText([{ ...row, status: "uncertain", error: "cut" }]),
    /it is not known whether it happened \(cut\); a person looks after it, do not repeat it$/,
  );
});
