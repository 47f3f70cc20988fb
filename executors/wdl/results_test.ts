import assert from "node:assert/strict";
import { join } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { readDocument } from "./document.ts";
import { completeOutputs, outputsIn, readOutputs } from "./outputs.ts";
import { keepResults } from "./results.ts";

const { definitions: [workflow], structs } = readDocument(`version 1.0
struct Pack { File f  Int n }
workflow w {
  output { File one = a.b  Array[File] many = c.d  Map[String, File] map = e.f  Pack pack = g.h
    File? maybe = i.j  String text = k.l  Directory? tree = m.n }
}`);

/** A run folder with files, and an empty result folder. */
async function bench() {
  const dir = await tempDir();
  const top = await Deno.realPath(dir.path);
  const [own, run, folder] = [join(top, "own"), join(top, "own/run"), join(top, "out/task")];
  await Deno.mkdir(join(run, "x"), { recursive: true });
  await Deno.mkdir(folder, { recursive: true });
  for (const name of ["one.txt", "two.txt", "x/two.txt"]) await Deno.writeTextFile(join(run, name), name);
  await Deno.writeTextFile(join(top, "secret.txt"), "secret");
  const keep = (outputs: Record<string, unknown>, allowed = [own]) =>
    keepResults(outputs, workflow, structs, { run, allowed, folder });
  return { top, run, folder, keep, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

const fails = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof TaskError && !error.retry, String(error));
    assert.match(error.message, message);
    return true;
  });

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("files among the outputs outlive the run, also those of the same name", async () => {
  await using b = await bench();
  await Deno.writeTextFile(join(b.run, "x", "inner.txt"), "inner");
  const kept = await b.keep({
    "w.one": "one.txt",
    "w.many": [join(b.run, "two.txt"), join(b.run, "x/two.txt")],
    "w.map": { "a/../b": join(b.run, "two.txt") },
    "w.pack": { f: "one.txt", n: 1 },
    "w.maybe": null,
    "w.text": "one.txt",
    "w.tree": join(b.run, "x"),
  });
  assert.deepEqual(kept, {
    "w.one": join(b.folder, "one/one.txt"),
    "w.many": [join(b.folder, "many/0/two.txt"), join(b.folder, "many/1/two.txt")],
    "w.map": { "a/../b": join(b.folder, "map/_a%2F..%2Fb/two.txt") },
    "w.pack": { f: join(b.folder, "pack/f/one.txt"), n: 1 },
    "w.maybe": null,
    "w.text": "one.txt",
    "w.tree": join(b.folder, "tree/x"),
  });
  await Deno.remove(b.run, { recursive: true });
  assert.equal(await Deno.readTextFile(join(b.folder, "many/1/two.txt")), "x/two.txt");
  assert.equal(await Deno.readTextFile(join(b.folder, "tree/x/inner.txt")), "inner");
});

Deno.test("a later attempt replaces what an earlier one left, and a failed one leaves it", async () => {
  await using b = await bench();
  await b.keep({ "w.one": "one.txt" });
  await b.keep({ "w.one": "two.txt" });
  assert.deepEqual(await names(join(b.folder, "one")), ["two.txt"]);
  await fails(b.keep({ "w.one": "one.txt", "w.many": ["absent.txt"] }), /the output many\.0 is missing/);
  assert.deepEqual(await names(join(b.folder, "one")), ["two.txt"]);
  assert.deepEqual(await names(b.folder), ["one"]);
});

Deno.test("files from outside the run are no results, neither by path nor by link", async () => {
  await using b = await bench();
  await Deno.symlink(join(b.top, "secret.txt"), join(b.run, "link.txt"));
  await Deno.symlink("/etc", join(b.run, "x", "etc"));
  for (const path of [join(b.top, "secret.txt"), "../../secret.txt", "link.txt", "/etc/passwd"]) {
    await fails(b.keep({ "w.one": path }), /lies outside the run's own folder/);
  }
  await fails(b.keep({ "w.tree": "x" }), /holds a symbolic link \(x\/etc\)/);
  await fails(b.keep({ "w.one": "x" }), /is no regular file/);
  await fails(b.keep({ "w.many": "one.txt" }), /the output many must be a list/);
  assert.deepEqual(await names(b.folder), []);
  const kept = await b.keep({ "w.one": join(b.top, "secret.txt") }, [b.run, b.top]);
  assert.equal(kept["w.one"], join(b.folder, "one/secret.txt"), "an input that is passed through");
});

Deno.test("an undeclared output that names a file of the run is kept as well", async () => {
  await using b = await bench();
  const made = join(b.run, "one.txt");
  assert.deepEqual(await b.keep({ "w.call.x": [made, "/etc/passwd", "text", 1], "w.call.y": { a: made } }), {
    "w.call.x": [join(b.folder, "call.x/0/one.txt"), "/etc/passwd", "text", 1],
    "w.call.y": { a: join(b.folder, "call.y/a/one.txt") },
  });
});

Deno.test("outputs get their full names, and a declared one that is missing is told", () => {
  const all = { one: "a", many: [], map: {}, pack: {}, text: "" };
  assert.deepEqual(Object.keys(completeOutputs(workflow, all)), [
    "w.one",
    "w.many",
    "w.map",
    "w.pack",
    "w.text",
  ]);
  assert.throws(() => completeOutputs(workflow, { ...all, text: null }), /its output w\.text is missing/);
  assert.throws(() => completeOutputs(workflow, {}), /its output w\.one is missing/);
});

Deno.test("each runner's own report of outputs is understood", async () => {
  const values = { "w.x": 1 };
  assert.deepEqual(outputsIn("miniwdl", { outputs: values, dir: "/run" }), values);
  assert.deepEqual(outputsIn("cromwell", { status: "Succeeded", outputs: values, calls: {} }), values);
  assert.deepEqual(outputsIn("toil", values), values);
  assert.deepEqual(outputsIn("toil", { outputs: values, dir: "/run" }), values);
  await using dir = await tempDir();
  const stage = { run: dir.path, outputs: join(dir.path, "outputs-report.json") };
  assert.equal(await readOutputs("miniwdl", stage), undefined);
  await Deno.writeTextFile(stage.outputs, '{"error": "RunFailed"}');
  await fails(readOutputs("miniwdl", stage), /wrote no outputs into its report/);
  await Deno.mkdir(join(dir.path, "runs/w/2026"), { recursive: true });
  await Deno.symlink(join(dir.path, "runs/w/2026"), join(dir.path, "runs/w/_latest"));
  await Deno.writeTextFile(join(dir.path, "runs/w/2026/outputs.json"), JSON.stringify(values));
  assert.deepEqual(await readOutputs("sprocket", stage), values);
});
