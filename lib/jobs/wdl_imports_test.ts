import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { importNames, readWdl } from "./wdl_imports.ts";

async function files(root: string, contents: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(contents)) {
    await Deno.mkdir(dirname(join(root, name)), { recursive: true });
    await Deno.writeTextFile(join(root, name), text);
  }
}

Deno.test("import statements are found, comments and strings elsewhere are not", () => {
  const wdl = [
    "version 1.0",
    'import "a.wdl"',
    "  import 'lib/b.wdl' as b alias X as Y",
    '# import "c.wdl"',
    "workflow w { String s = \"import 'd.wdl'\" }",
  ].join("\n");
  assert.deepEqual(importNames(wdl), ["a.wdl", "lib/b.wdl"]);
});

Deno.test("a file comes with all it imports, by names from its own folder", async () => {
  await using dir = await tempDir();
  await files(dir.path, {
    "main.wdl": `import "lib/a.wdl"\nimport "https://example.org/far.wdl"`,
    "lib/a.wdl": `import "deep/b.wdl"\nimport "../c.wdl"`,
    "lib/deep/b.wdl": `import "../a.wdl"`,
    "c.wdl": "c",
  });
  const { wdl, imports } = await readWdl(join(dir.path, "main.wdl"));
  assert.match(wdl, /^import "lib/);
  assert.deepEqual(Object.keys(imports).sort(), ["c.wdl", "lib/a.wdl", "lib/deep/b.wdl"]);
  assert.equal(imports["c.wdl"], "c");
});

Deno.test("an import outside the folder, or one that is missing, is told by its name", async () => {
  await using dir = await tempDir();
  await files(dir.path, {
    "out.wdl": "x",
    "in/up.wdl": `import "../out.wdl"`,
    "in/root.wdl": `import "/etc/passwd"`,
    "in/none.wdl": `import "nothing.wdl"`,
  });
  await assert.rejects(
    readWdl(join(dir.path, "in/up.wdl")),
    /up\.wdl imports \.\.\/out\.wdl, which is outside/,
  );
  await assert.rejects(readWdl(join(dir.path, "in/root.wdl")), /imports \/etc\/passwd, which is outside/);
  await assert.rejects(readWdl(join(dir.path, "in/none.wdl")), /Cannot read .*nothing\.wdl/);
});
