import assert from "node:assert/strict";
import { TaskError } from "../../lib/task/task.ts";
import { chooseTarget, inputType, MAIN, readBundle } from "./bundle.ts";
import { readDocument } from "./document.ts";
import { fetchImports } from "./fetched_imports.ts";
import { typeText } from "./types.ts";

const fails = (work: () => unknown, message: RegExp) =>
  assert.throws(work, (error) => {
    assert.ok(error instanceof TaskError && !error.retry, String(error));
    assert.match(error.message, message);
    return true;
  });

const TASK = "version 1.0\ntask t { input { File f String s } command {} output { Int n = 1 } }";

Deno.test("imports are found relative to the document that imports them", () => {
  const bundle = readBundle('version 1.0\nimport "a/b.wdl"\nworkflow w { call b.go }', {
    "a/b.wdl": 'version 1.0\nimport "../c.wdl" as c\nworkflow go { call c.t }',
    "./c.wdl": TASK,
  });
  assert.deepEqual([...bundle.sources.keys()], [MAIN, "a/b.wdl", "c.wdl"]);
  const { definition } = chooseTarget(bundle.documents.get(MAIN)!, undefined);
  const type = inputType(bundle, definition, ["go", "t", "f"]);
  assert.ok(type && type !== "free" && typeText(type) === "File");
  assert.equal(inputType(bundle, definition, ["go", "t", "runtime", "cpu"]), "free");
  assert.equal(inputType(bundle, definition, ["go", "t", "g"]), undefined);
  assert.equal(inputType(bundle, definition, ["stop", "t", "f"]), undefined);
});

Deno.test("an import that is missing, leaves its folder or is no file's name is refused", () => {
  const importing = (uri: string) => () => readBundle(`version 1.0\nimport "${uri}"\nworkflow w {}`, {});
  fails(importing("lib.wdl"), /imports "lib.wdl", which is not among the imports given/);
  fails(importing("../lib.wdl"), /leaves its folder/);
  fails(importing("/etc/lib.wdl"), /leaves its folder/);
  fails(importing("a/../../lib.wdl"), /leaves its folder/);
  fails(importing("file:///etc/lib.wdl?token=secret"), /imports "file:\/\/\/etc\/lib.wdl": only https/);
  for (const name of ["../x.wdl", "/x.wdl", "a\\b.wdl", "a/", "..", "", "a\nb", MAIN]) {
    fails(() => readBundle("version 1.0\nworkflow w {}", { [name]: TASK }), /is no relative path/);
  }
});

Deno.test("a document that does not parse fails for good with its name and line", () => {
  fails(
    () => readBundle("version 1.0\nworkflow {", {}),
    /the WDL does not parse: line 2: expected the workflow's name/,
  );
  fails(
    () => readBundle('version 1.0\nimport "x.wdl"\nworkflow w {}', { "x.wdl": "task" }),
    /the imported x.wdl does not parse: line 1/,
  );
});

Deno.test("the workflow is run, or the task that is asked for, or the only one", () => {
  const choose = (source: string, task?: string) => chooseTarget(readDocument(source), task).definition.name;
  const both = "version 1.0\nworkflow w {} task a { command {} } task b { command {} }";
  assert.equal(choose(both), "w");
  assert.equal(choose(both, "b"), "b");
  assert.equal(choose(TASK), "t");
  fails(() => choose(both, "c"), /no task "c" \(its tasks: a, b\)/);
  fails(() => choose(both.replace("workflow w {}", "")), /no workflow; name one of its tasks/);
});

Deno.test("documents imported by address are fetched, with what they import, and staged by name", async () => {
  const asked: string[] = [];
  const web: Record<string, string> = {
    "https://wdl.example/v1/lib.wdl?v=2": 'version 1.0\nimport "more/deep.wdl"\nworkflow x { call deep.t }',
    "https://wdl.example/v1/more/deep.wdl": TASK,
  };
  const { wdl, imports } = await fetchImports({
    wdl:
      'version 1.0\nimport "near.wdl"\nimport "https://wdl.example/v1/lib.wdl?v=2"\nworkflow w { call lib.x }',
    imports: {
      "near.wdl": 'version 1.0\nimport "https://wdl.example/v1/more/deep.wdl" as d\ntask n { command {} }',
    },
  }, (url) => {
    asked.push(url);
    return Promise.resolve(web[url]);
  });
  assert.deepEqual(asked.toSorted(), Object.keys(web).toSorted());
  assert.match(wdl, /import "near.wdl"\nimport "fetched\/1\/lib.wdl"/);
  assert.match(imports["near.wdl"], /import "fetched\/2\/deep.wdl" as d/);
  assert.match(imports["fetched/1/lib.wdl"], /import "..\/2\/deep.wdl"/);
  assert.equal(readBundle(wdl, imports).documents.size, 4);
});

Deno.test("documents that import ever more addresses are not followed for ever", async () => {
  let page = 0;
  await assert.rejects(
    fetchImports(
      { wdl: 'version 1.0\nimport "https://wdl.example/0.wdl"\nworkflow w {}', imports: {} },
      () => Promise.resolve(`version 1.0\nimport "https://wdl.example/${++page}.wdl"`),
    ),
    /more than 200 imports by address/,
  );
});
