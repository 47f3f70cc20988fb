import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TaskError } from "../../lib/task/task.ts";
import { testContext } from "../../lib/testing/execution_context.ts";
import { needs } from "../../lib/testing/requirements.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { outsideExecutors } from "./loader.ts";

const MANIFEST = {
  type: "tool",
  description: "a tool",
  command: ["sh", "tool.sh"],
  input: { type: "object" },
};
const module = (type: string) =>
  `export default ({ defineExecutor, z }) => defineExecutor({
     type: "${type}", description: "d", input: z.strictObject({ n: z.number() }),
     run: ({ n }) => Promise.resolve(n + 1),
   });`;

/** A folder of executors; `files` by path inside it. */
async function folder(files: Record<string, string>) {
  const dir = await tempDir();
  const path = join(await Deno.realPath(dir.path), "executors");
  await Deno.mkdir(path, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(path, name, ".."), { recursive: true, mode: 0o755 });
    await Deno.writeTextFile(join(path, name), text, { mode: 0o644 });
  }
  const settings = { executorsDir: path, outputDir: join(dir.path, "out") };
  const load = async (reserved: string[] = []) => {
    const { executors, problems } = await outsideExecutors(settings, reserved);
    return {
      executors,
      types: executors.map(({ type }) => type),
      problems: problems.map(({ file, reason }) => `${file.slice(path.length + 1)}: ${reason}`),
    };
  };
  return { path, load, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

Deno.test("a folder that is not there holds no executors, and that is no problem", async () => {
  const found = await outsideExecutors({ executorsDir: "/no/such/folder", outputDir: "/tmp" }, []);
  assert.deepEqual(found, { executors: [], problems: [] });
});

Deno.test("modules in TypeScript and JavaScript and programs become executors; other files are left alone", async () => {
  await using own = await folder({
    "one.ts": module("one").replace("({ n })", "({ n }: { n: number })").replace("z }", "z }: any"),
    "two.mjs": module("two"),
    "three.js":
      `export default { type: "three", description: "plain", input: { safeParse: (data) => ({ success: true, data }) },
      check: () => ({ available: false, reason: "no tool", fix: "get it" }), run: () => 3 };`,
    "tool/executor.json": JSON.stringify(MANIFEST),
    "README.md": "hello",
    "types.d.ts": "export {}",
    "_helper.ts": "export const a = 1;",
    ".hidden.ts": "syntax error here",
    "_lib/notes.txt": "",
  });
  const { executors, types, problems } = await own.load();
  assert.deepEqual([types, problems], [["one", "three", "tool", "two"], []]);
  const [one, three] = executors;
  await using attempt = await testContext();
  assert.equal(await one!.run(one!.input.parse({ n: 1 }), attempt.context), 2);
  assert.equal(one!.input.safeParse({ n: "1" }).success, false);
  assert.deepEqual(await one!.check(), { available: true });
  assert.deepEqual(await three!.check(), { available: false, reason: "no tool", fix: "get it" });
  assert.equal(await three!.run({}, attempt.context), 3);
});

Deno.test("a broken one is reported with its file and reason, and the others work", async () => {
  await using own = await folder({
    "good.ts": module("good"),
    "syntax.ts": "export default ({ z }) => {",
    "throws.ts": `throw new Error("no licence\\nsecond line");`,
    "nothing.ts": "export const x = 1;",
    "imports.ts": `import { x } from "./not_there.ts"; export default x;`,
    "type.ts": module("Not A Type"),
    "shape.ts": `export default { type: "shape", description: "", input: {}, run() {} };`,
    "noRun.ts": `export default ({ z }) => ({ type: "no_run", input: z.any() });`,
    "json/executor.json": "{",
    "fields/executor.json": JSON.stringify({ ...MANIFEST, command: [], comand: 1 }),
    "empty/notes.txt": "",
  });
  const { types, problems } = await own.load();
  assert.deepEqual(types, ["good"]);
  const expected = [
    /^empty: has no executor\.json; call it _empty if it only holds helpers$/,
    /^fields\/executor\.json: command\.0: .*comand/,
    /^imports\.ts: .*not_there/,
    /^json\/executor\.json: is not JSON/,
    /^noRun\.ts: its run must be a function$/,
    /^nothing\.ts: its default export is neither an executor nor a function/,
    /^shape\.ts: its input must be a zod schema$/,
    /^syntax\.ts: .*Expected/,
    /^throws\.ts: no licence$/,
    /^type\.ts: its type must be lower-case/,
  ];
  assert.equal(problems.length, expected.length, problems.join("\n"));
  for (const [index, pattern] of expected.entries()) {
    assert.match(problems[index]!, pattern);
    assert.doesNotMatch(problems[index]!, /\n/);
  }
});

Deno.test("a type that is taken is reported with who has it, and the first keeps it", async () => {
  await using own = await folder({
    "a.ts": module("same"),
    "b.ts": module("same"),
    "c.ts": module("ffmpeg_process"),
    "d/executor.json": JSON.stringify({ ...MANIFEST, type: "same" }),
  });
  const { types, problems } = await own.load(["ffmpeg_process"]);
  assert.deepEqual(types, ["same"]);
  assert.deepEqual(problems, [
    `b.ts: its type same is taken by ${own.path}/a.ts; choose another`,
    "c.ts: its type ffmpeg_process is taken by the worker itself or a command in config.json; choose another",
    `d/executor.json: its type same is taken by ${own.path}/a.ts; choose another`,
  ]);
});

Deno.test("what others could have written is refused: the folder, a module, any file of a program, a helper", async () => {
  const files = {
    "one.ts": module("one"),
    "tool/executor.json": JSON.stringify(MANIFEST),
    "tool/tool.sh": "",
    "_lib.ts": "",
  };
  await using own = await folder(files);
  const open = async (name: string) => {
    const path = join(own.path, name);
    const { mode } = await Deno.stat(path);
    await Deno.chmod(path, 0o777);
    const found = await own.load();
    await Deno.chmod(path, mode! & 0o777);
    return found;
  };
  assert.deepEqual((await own.load()).problems, []);
  assert.deepEqual((await open("one.ts")).types, ["tool"]);
  const program = await open("tool/tool.sh");
  assert.deepEqual(program.types, ["one"]);
  assert.match(program.problems[0]!, /^tool: .*\/tool\.sh can be written by others \(mode 777\)/);
  const helper = await open("_lib.ts");
  assert.deepEqual(helper.types, ["tool"]);
  assert.match(helper.problems[0]!, /_lib\.ts: can be written by others .* until then no module is loaded/);
  const all = await open("");
  assert.deepEqual([all.types, all.problems.length], [[], 1]);
});

Deno.test("a link that leads nowhere is reported", async () => {
  await using own = await folder({});
  await Deno.symlink("/no/such/file.ts", join(own.path, "gone.ts"));
  assert.deepEqual((await own.load()).problems, ["gone.ts: is a link that leads nowhere; remove it"]);
});

/** The examples as a person would use them: copied into the folder. */
async function examples() {
  const own = await folder({});
  const from = fileURLToPath(new URL("examples/", import.meta.url));
  for (const name of ["word_count.ts", "checksum/executor.json", "checksum/checksum.py"]) {
    await Deno.mkdir(join(own.path, name, ".."), { recursive: true, mode: 0o755 });
    await Deno.writeTextFile(join(own.path, name), await Deno.readTextFile(join(from, name)), {
      mode: 0o644,
    });
  }
  return own;
}

Deno.test("the example in TypeScript works", async () => {
  await using own = await examples();
  const { executors, problems } = await own.load();
  assert.deepEqual(problems, []);
  const wordCount = executors.find(({ type }) => type === "word_count")!;
  await using attempt = await testContext();
  const count = async (input: unknown) => await wordCount.run(wordCount.input.parse(input), attempt.context);
  assert.deepEqual(await count({ text: "to be or not to be", minLength: 3 }), { words: 1 });
  await assert.rejects(count({ text: " " }), (error) => error instanceof TaskError && !error.retry);
  assert.deepEqual(await wordCount.check(), { available: true, version: "1.0" });
});

Deno.test({
  name: "the example in Python works",
  ...await needs("python3"),
  fn: async () => {
    await using own = await examples();
    await using dir = await tempDir();
    await Deno.writeTextFile(join(dir.path, "abc.txt"), "abc");
    const checksum = (await own.load()).executors.find(({ type }) => type === "checksum")!;
    assert.deepEqual(await checksum.check(), { available: true, version: "1.0" });
    Deno.env.set("CHECKSUM_ROOT", dir.path);
    try {
      await using attempt = await testContext();
      const run = async (input: unknown) => await checksum.run(checksum.input.parse(input), attempt.context);
      const output = await run({ path: "abc.txt" }) as Record<string, string>;
      assert.equal(output.checksum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
      assert.match(await Deno.readTextFile(output.file!), /^ba7816bf.* abc\.txt\n$/);
      assert.equal(basename(output.file!), "checksum.txt");
      assert.deepEqual(attempt.progress.at(-1), {
        percent: 100,
        message: undefined,
        remainingSeconds: undefined,
      });
      for (const path of ["none.txt", "../../etc/passwd", "/etc/passwd"]) {
        await assert.rejects(run({ path }), (error) => error instanceof TaskError && !error.retry, path);
      }
      assert.equal(checksum.input.safeParse({ path: "a", algorithm: "md5" }).success, false);
    } finally {
      Deno.env.delete("CHECKSUM_ROOT");
    }
  },
});
