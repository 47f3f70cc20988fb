import assert from "node:assert/strict";
import { importsOf, type SourceFile, violations } from "./check_imports.ts";

const PACKAGES = ["zod", "@scope/tool"];

function file(path: string, ...imports: string[]): SourceFile {
  return { path, imports, lines: 10 };
}

function found(...files: SourceFile[]): string[] {
  return violations(files, PACKAGES);
}

Deno.test("imports that point down or sideways are fine", () => {
  assert.deepEqual(
    found(
      file("main.ts", "./lib/cli/program.ts", "./executors/index.ts", "./deno.json"),
      file("lib/cli/program.ts", "../worker.ts", "../queue/poller.ts", "../config.ts"),
      file("lib/worker.ts", "./queue/poller.ts", "./status.ts", "./database/open.ts"),
      file("lib/queue/poller.ts", "../task/task.ts", "../clock.ts", "../notify/channel.ts", "node:path"),
      file("lib/database/open.ts", "../config.ts", "zod", "@scope/tool/part"),
      file("executors/command.ts", "../lib/process.ts", "../lib/task/task.ts"),
    ),
    [],
  );
});

for (
  const [name, path, target, message] of [
    ["a part to the command line", "lib/queue/a.ts", "../cli/exit.ts", /parts must not know cli/],
    ["a part to the composition", "lib/control/a.ts", "../worker.ts", /parts must not know worker/],
    ["a basic to a part", "lib/database/rest.ts", "../control/guard.ts", /basics must not know parts/],
    ["a single basic file to a part", "lib/config.ts", "./queue/limits.ts", /basics must not know parts/],
    ["the command line to main", "lib/cli/a.ts", "../../main.ts", /cli must not know main/],
    [
      "lib to executors",
      "lib/cli/a.ts",
      "../../executors/index.ts",
      /main.ts passes executors and agents in/,
    ],
    ["lib to agents", "lib/worker.ts", "../agents/index.ts", /main.ts passes executors and agents in/],
    ["an executor to the command line", "executors/a.ts", "../lib/cli/exit.ts", /parts must not know cli/],
    ["the product to test helpers", "lib/queue/a.ts", "../testing/temp.ts", /that is for tests/],
    ["the product to a test", "executors/a.ts", "./a_test.ts", /that is for tests/],
    ["the product to scripts", "lib/a.ts", "../scripts/compile.ts", /scripts are no part of the product/],
    ["a package by npm:", "lib/a.ts", "npm:zod@4", /packages come through deno.json/],
    ["a package by https:", "scripts/a.ts", "https://example.com/a.ts", /packages come through deno.json/],
    ["an unknown package in a test", "lib/a_test.ts", "zodiac", /packages come through deno.json/],
  ] as const
) {
  Deno.test(`refused: ${name}`, () => {
    const [line, ...more] = found(file(path, target));
    assert.match(line!, message);
    assert.ok(line!.startsWith(`${path} imports ${target}: `));
    assert.deepEqual(more, []);
  });
}

Deno.test("tests and scripts may reach for anything in the project", () => {
  assert.deepEqual(found(file("lib/queue/a_test.ts", "../testing/temp.ts", "../../executors/index.ts")), []);
  assert.deepEqual(found(file("scripts/smoke.ts", "../lib/testing/temp.ts", "../lib/cli/exit.ts")), []);
});

Deno.test("parts that need each other are named, also around a corner", () => {
  const lines = found(
    file("lib/queue/a.ts", "../control/b.ts"),
    file("lib/control/b.ts", "../jobs/c.ts"),
    file("lib/jobs/c.ts", "../queue/d.ts"),
    file("lib/queue/d.ts"),
  );
  assert.ok(lines.length > 0);
  assert.ok(lines.every((line) => line.includes("import each other")));
  assert.deepEqual(found(file("lib/queue/a.ts", "../control/b.ts"), file("lib/control/b.ts")), []);
});

Deno.test("a file of more than 400 lines is refused, a test as well", () => {
  const long = { path: "lib/queue/a_test.ts", imports: [], lines: 401 };
  assert.match(found(long)[0]!, /has 401 lines, more than 400/);
  assert.deepEqual(found({ ...long, lines: 400 }), []);
});

Deno.test("imports are read from every form of import, and from nothing else", () => {
  const source = [
    `import assert from "one";`,
    `import {`,
    `  a,`,
    `  type B as C,`,
    `} from "./two.ts";`,
    `import "three";`,
    `export * from "./four.ts";`,
    `export { type D } from "./five.ts";`,
    `import text from "./six.sql" with { type: "text" };`,
    `type E = import("zod").E;`,
    `const late = await import("./eight.ts");`,
    `export function from() {`,
    `  return "not/this";`,
    `}`,
    `export const words = 'copied from "there"';`,
  ].join("\n");
  assert.deepEqual(importsOf(source).sort(), [
    "./eight.ts",
    "./five.ts",
    "./four.ts",
    "./six.sql",
    "./two.ts",
    "one",

    "three",
    "zod",
  ]);
});
