import assert from "node:assert/strict";
import { join } from "node:path";
import { baseEnvironment, findProgram, searchPath } from "./lookup.ts";

Deno.test("a program is found on the path given, before the usual folders", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const program = join(dir, "sh");
    await Deno.writeTextFile(program, "");
    assert.notEqual(await findProgram("sh", dir), program); // not executable
    await Deno.chmod(program, 0o700);
    assert.equal(await findProgram("sh", dir), program);
    assert.equal(await findProgram(program), program);
    assert.match(await findProgram("sh", "") ?? "", /^\/.*\/sh$/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what is not there, or is a folder, is no program", async () => {
  assert.equal(await findProgram("no-such-program-here"), undefined);
  assert.equal(await findProgram("/tmp"), undefined);
});

Deno.test("folders of the path that are relative are not searched", () => {
  assert.equal(searchPath(".:bin:/opt/x:").split(":")[0], "/opt/x");
});

Deno.test("the base environment has a path and none of the worker's settings", () => {
  Deno.env.set("LOOKUP_TEST_SECRET", "x");
  try {
    const environment = baseEnvironment();
    assert.match(environment.PATH, /\/usr\/bin/);
    assert.equal("LOOKUP_TEST_SECRET" in environment, false);
  } finally {
    Deno.env.delete("LOOKUP_TEST_SECRET");
  }
});
