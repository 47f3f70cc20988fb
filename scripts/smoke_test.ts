import assert from "node:assert/strict";
import { smoke } from "./smoke.ts";

Deno.test("a program that ends at once fails every check it gets, and the suite comes to its end", async () => {
  const lines: string[] = [];
  const { passed, failed } = await smoke("/bin/false", (line) => lines.push(line));
  assert.equal(passed, 0);
  assert.equal(failed, lines.length);
  assert.ok(lines.length > 5);
  for (const line of lines) assert.match(line, /^FAIL {2}\S.*: ./);
});
