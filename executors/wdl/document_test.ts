import assert from "node:assert/strict";
import { readDocument } from "./document.ts";
import { holdsFiles, typeText } from "./types.ts";

const SAMPLE = `
## a comment with "one quote and a brace {
version 1.1
${"import"} "lib/tools.wdl" as t alias Sample as Probe
${"import"} 'other.wdl'

struct Person { String name  File? picture
  meta { x: { y: [1, 2] } } }

workflow main {
  input {
    String name = "wor}ld ~{if true then "a" else 'b'}" # why }
    Array[File]+ files
    Map[String, Pair[Int, File?]] table = {"a": (1, "x")}
    Person who = Person { name: "n" }
    Int n = if length(files) > 1 then 2 * (3 + 4) else -1
  }
  call t.count as counted after first { input: files = files, n }
  call greet
  scatter (f in files) { call inner { input: f } if (n > 1) { call deep } else { call other } }
  Int later = n + 1
  output {
    File result = greet.out
    Array[Int] all = [1, 2]
    String s = greet.text
  }
  meta { author: "x" }
}

task greet {
  input { String x }
  Int y = 1
  command <<<
    echo "\${x} }" ~{"}"} >> out.txt \\>>>
  >>>
  runtime { docker: "ubuntu"  cpu: y }
  output { File out = "out.txt"  String text = read_string(stdout()) }
}
`;

Deno.test("a document's version, imports, structs and definitions are read", () => {
  const document = readDocument(SAMPLE);
  assert.equal(document.version, "1.1");
  assert.deepEqual(document.imports.map(({ uri, namespace, aliases }) => [uri, namespace, aliases]), [
    ["lib/tools.wdl", "t", [{ old: "Sample", name: "Probe" }]],
    ["other.wdl", "other", []],
  ]);
  assert.deepEqual(document.imports.map(({ start, end }) => SAMPLE.slice(start, end)), [
    '"lib/tools.wdl"',
    "'other.wdl'",
  ]);
  assert.deepEqual([...document.structs.get("Person")!.keys()], ["name", "picture"]);
  assert.deepEqual(document.definitions.map(({ kind, name }) => `${kind} ${name}`), [
    "workflow main",
    "task greet",
  ]);
});

Deno.test("inputs and outputs are read with their types and the text of their expressions", () => {
  const [workflow, task] = readDocument(SAMPLE).definitions;
  assert.deepEqual(workflow.inputs.map(({ name, type }) => `${typeText(type!)} ${name}`), [
    "String name",
    "Array[File] files",
    "Map[String, Pair[Int, File?]] table",
    "Person who",
    "Int n",
  ]);
  assert.equal(workflow.inputs[4].expression, "if length(files) > 1 then 2 * (3 + 4) else -1");
  assert.deepEqual(workflow.outputs?.map(({ name, expression }) => `${name} = ${expression}`), [
    "result = greet.out",
    "all = [1, 2]",
    "s = greet.text",
  ]);
  assert.deepEqual(task.outputs?.map(({ expression }) => expression), ['"out.txt"', "read_string(stdout())"]);
  assert.deepEqual(task.runtime, ["docker", "cpu"]);
});

Deno.test("calls are known by their names, and whether they stand in a scatter or a condition", () => {
  assert.deepEqual(
    readDocument(SAMPLE).definitions[0].calls.map(({ name, callee, nested }) => [name, callee, nested]),
    [["counted", "t.count", false], ["greet", "greet", false], ["inner", "inner", true], [
      "deep",
      "deep",
      true,
    ], [
      "other",
      "other",
      true,
    ]],
  );
});

Deno.test("a command is found whole, in either form", () => {
  const { command } = readDocument(SAMPLE).definitions[1];
  assert.match(command!.text, /^<<<\n {4}echo[^]*>>>$/);
  const braces = 'task t { command { echo "${x}" ~{ {"a": 1} } \\} | cat } output { Int n = 1 } }';
  const [task] = readDocument(braces).definitions;
  assert.equal(task.command?.text, '{ echo "${x}" ~{ {"a": 1} } \\} | cat }');
  assert.equal(task.outputs?.length, 1);
});

Deno.test("draft-2 has inputs in the body and outputs that only name a call's", () => {
  const { version, definitions: [workflow] } = readDocument(`
    workflow w { String a  Int b = 3  call t { input: a = a }  output { t.x  t.* } }
    task t { String a  command { echo ${"${a}"} } output { String x = read_string(stdout()) } }`);
  assert.equal(version, "draft-2");
  assert.deepEqual(workflow.inputs.map(({ name }) => name), ["a", "b"]);
  assert.deepEqual(workflow.outputs, [{ name: "t.x" }, { name: "t.*" }]);
});

Deno.test("what is no WDL is told with its line", () => {
  for (
    const [source, problem] of [
      ["version 1.0\nworkflow w {\n  call t {", /line 3: this is never closed/],
      ["version 1.0\nworkflow w {", /expected }, found the end/],
      ['version 1.0\nworkflow w { String s = "abc\n }', /line 2: this string is not closed/],
      ["version 1.0\ntask t { command <<< echo }", /this command is not closed/],
      ["version 1.0\ntask t { command { ~{x", /this placeholder is not closed/],
      ["version 1.0\nworkflow w { output { File o = = t.o } }", /expected an expression/],
      ["version 1.0\nworkflow w { Array[] x }", /expected a type, found "\]"/],
      ["version 1.0\nworkflow w { Int x; }", /unexpected ";"/],
      ["hello there", /expected import, struct, task or workflow, found "hello"/],
      ["version 1.0\nimport { a } from x", /modules cannot be imported/],
      [`version 1.0 workflow w { input { ${"Array[".repeat(200)}`, /a simpler type/],
    ] as const
  ) {
    assert.throws(() => readDocument(source), { name: "WdlSyntaxError", message: problem }, source);
  }
});

Deno.test("a type holds files if any part of it may, also structs that hold themselves", () => {
  const structs = readDocument(
    "version 1.0\nstruct A { B? b } struct B { A? a Array[File] f } struct C { Int i C? c }",
  ).structs;
  const type = (name: string) => ({ name, arguments: [], optional: false });
  assert.deepEqual(
    ["A", "B", "C", "File", "Directory", "String"].map((name) => holdsFiles(type(name), structs)),
    [
      true,
      true,
      false,
      true,
      true,
      false,
    ],
  );
});
