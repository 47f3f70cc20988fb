import assert from "node:assert/strict";
import { parseMemory, readMemory, treeMemoryMb } from "./memory.ts";

const TABLE = `
    1     0   2048
   10     1 102400
   11    10  51200
   12    11   1024
   20     1 999999
`;

Deno.test("the memory of a process counts with that of all its descendants", () => {
  const rows = parseMemory(TABLE);
  assert.equal(treeMemoryMb(rows, 10), 151);
  assert.equal(treeMemoryMb(rows, 12), 1);
});

Deno.test("a process that has gone has no memory, and a table that loops is read all the same", () => {
  assert.equal(treeMemoryMb(parseMemory(TABLE), 99), undefined);
  assert.equal(treeMemoryMb(parseMemory("5 6 1024\n6 5 1024"), 5), 2);
});

Deno.test("this machine tells how much memory this process uses", async () => {
  const memory = treeMemoryMb(await readMemory(), Deno.pid);
  assert.ok(memory !== undefined && memory > 10 && memory < 10_000, String(memory));
});
