import assert from "node:assert/strict";
import { readDocument } from "./document.ts";
import { planOutputs, quoteInputs, readPrinted, unsupported, wrapCommands } from "./toil59.ts";

const plan = (outputs: string, tasks = "", calls = "call t") => {
  const document = readDocument(`version 1.0
workflow w { ${calls} output { ${outputs} } }
task t { input { String x = "" } command {} output {
  File file = "dir/out.txt"  File log = stdout()  File err = stderr()  Int n = read_int(stdout())
  File named = "~{x}.txt"  Array[File] globbed = glob("*.txt")  String fixed = "v1"  Int lines = length(read_lines("a"))
} } ${tasks}`);
  return planOutputs(document, document.definitions[0]);
};

Deno.test("files of fixed names, what is printed, and literals are found", () => {
  const { sources, unknown } = plan(
    'File a = t.file  File b = t.log  File c = t.err  Int d = t.n  String e = t.fixed  Int f = 3  Boolean g = true  String h = "x"',
  );
  assert.deepEqual(unknown, []);
  assert.deepEqual(Object.fromEntries(sources), {
    a: { from: "file", name: "out.txt" },
    b: { from: "printed", task: "t", stream: "stdout", read: undefined },
    c: { from: "printed", task: "t", stream: "stderr", read: undefined },
    d: { from: "printed", task: "t", stream: "stdout", read: "read_int" },
    e: { from: "literal", value: "v1" },
    f: { from: "literal", value: 3 },
    g: { from: "literal", value: true },
    h: { from: "literal", value: "x" },
  });
});

Deno.test("what cannot be known is told, each with why", () => {
  const why = (...of: Parameters<typeof plan>) => plan(...of).unknown.join("; ");
  assert.match(
    why("File a = t.named"),
    /^w\.a: Toil 5\.9 does not export a File that is made by "~\{x\}\.txt"$/,
  );
  assert.match(why("Array[File] a = t.globbed"), /made by glob/);
  assert.match(why("Int a = t.lines"), /made by length/);
  assert.match(why("Int a = 1 + 2"), /only literals and outputs of calls/);
  assert.match(why("File a = t.absent"), /there is no output t\.absent/);
  assert.match(
    why("Array[File] a = t.file", "", "scatter (i in [1]) { call t }"),
    /in a scatter or a condition/,
  );
  assert.match(why("File a = t.file", "", "call t call t as u"), /t is called more than once/);
  const other = 'task u { command {} output { File f = "out.txt" } }';
  assert.match(why("File a = t.file", other, "call t call u"), /several calls make a file out\.txt/);
  const contained =
    'task u { command {} runtime { docker: "ubuntu" } output { String s = read_string(stdout()) } }';
  assert.match(why("String a = u.s", contained, "call u"), /in a container/);
});

Deno.test("a workflow without an output section has outputs that nobody knows", () => {
  const document = readDocument("version 1.0\nworkflow w {}");
  assert.deepEqual(planOutputs(document, document.definitions[0]).unknown, [
    "the workflow has no output section",
  ]);
});

Deno.test("other versions, tasks alone and imports are told before anything is run", () => {
  const why = (source: string) => {
    const document = readDocument(source);
    return unsupported(document, document.definitions[0]);
  };
  assert.equal(why("workflow w {}"), undefined);
  assert.match(why("version 1.1\nworkflow w {}")!, /draft-2 and 1\.0 only, and this is 1\.1/);
  assert.match(why("version 1.0\ntask t { command {} }")!, /no task by itself/);
  assert.match(why('version 1.0\nimport "x.wdl"\nworkflow w {}')!, /cannot import/);
});

Deno.test("commands are wrapped without losing their indentation", () => {
  const source = `version 1.0
task a {
  command <<<
      one
        two
  >>>
  output { Int n = 1 }
}
task b {
  command { three }
  runtime { docker: "ubuntu" }
}`;
  const wrapped = wrapCommands(source, readDocument(source));
  assert.match(
    wrapped,
    /<<<\n {6}actp=\$\(mktemp[^\n]*a\.X+"\)\n {6}\(\n\n {6}one\n {8}two\n {2}\n {6}\) >"\$actp\/stdout"/,
  );
  assert.match(
    wrapped,
    /\{\n \(\n three \n \)\n actp=\$\?\n[^}]*exited with status \$actp" >&2\n exit \$actp\n \}/,
  );
  assert.deepEqual(readDocument(wrapped).definitions.map(({ name, outputs }) => [name, outputs?.length]), [
    ["a", 1],
    ["b", undefined],
  ]);
});

Deno.test("texts among the inputs cannot become Python", () => {
  const { text, list } = quoteInputs({ text: 'a" + exit() + "\n\\', list: ['"'] });
  assert.equal(text, 'a\\" + exit() + \\"\\n\\\\');
  assert.deepEqual(list, ['"']);
});

Deno.test("what was printed is read as WDL reads it", () => {
  assert.equal(readPrinted("a\nb\n", "read_string"), "a\nb");
  assert.deepEqual(readPrinted("a\nb\n", "read_lines"), ["a", "b"]);
  assert.deepEqual(readPrinted("", "read_lines"), []);
  assert.equal(readPrinted(" 42\n", "read_int"), 42);
  assert.equal(readPrinted("4.5", "read_int"), undefined);
  assert.equal(readPrinted("4.5e3\n", "read_float"), 4500);
  assert.equal(readPrinted("", "read_float"), undefined);
  assert.equal(readPrinted("TRUE\n", "read_boolean"), true);
  assert.equal(readPrinted("yes", "read_boolean"), undefined);
});
