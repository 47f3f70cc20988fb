import assert from "node:assert/strict";
import { join } from "node:path";
import { ReleaseError, TaskError } from "../../lib/task/task.ts";
import { testContext } from "../../lib/testing/execution_context.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { asExecutor, loadModule } from "./module.ts";

const SOURCE = `
interface Input { readonly n: number }
export default async ({ z, TaskError, ReleaseError }: any) => ({
  type: "twice",
  description: "doubles",
  input: z.strictObject({ n: z.number() }),
  run({ n }: Input): number {
    if (n < 0) throw new TaskError("negative", { retry: false });
    if (n === 0) throw new ReleaseError("not here");
    return 2 * (n as number);
  },
});`;

for (const compiled of [false, true]) {
  Deno.test(`a TypeScript module gets the worker's own tools, ${compiled ? "compiled" : "from source"}`, async () => {
    await using dir = await tempDir();
    const file = join(dir.path, "twice.ts");
    await Deno.writeTextFile(file, SOURCE);
    const executor = await loadModule(file, compiled);
    await using attempt = await testContext();
    assert.equal(await executor.run({ n: 2 }, attempt.context), 4);
    await assert.rejects(executor.run({ n: -1 }, attempt.context), TaskError);
    await assert.rejects(executor.run({ n: 0 }, attempt.context), ReleaseError);
  });

  Deno.test(`what is wrong with a module is told in one line, ${compiled ? "compiled" : "from source"}`, async () => {
    await using dir = await tempDir();
    const wrong = async (source: string) => {
      const file = join(dir.path, `${crypto.randomUUID()}.ts`);
      await Deno.writeTextFile(file, source);
      return await loadModule(file, compiled).then(() => "nothing", (error: Error) => error.message);
    };
    for (
      const [source, expected] of [
        ["export default {", /Expected|Unexpected|Syntax/],
        [`throw new Error("one\\ntwo");`, /^one$/],
        [`export default import("./none.ts")`, /none\.ts/],
        ["export default 7", /neither an executor nor a function/],
        ["export default () => Promise.reject('plain text')", /^plain text$/],
      ] as const
    ) {
      const message = await wrong(source);
      assert.match(message, expected);
      assert.doesNotMatch(message, /\n|data:/);
    }
  });
}

Deno.test("an executor needs type, input and run; a check that is missing means always", async () => {
  const input = { safeParse: () => ({ success: true }) };
  const run = () => 1;
  assert.throws(() => asExecutor(null), /neither an executor/);
  assert.throws(() => asExecutor({ type: 3, input, run }), /type must be/);
  assert.throws(() => asExecutor({ type: "a", input: {}, run }), /input must be a zod schema/);
  assert.throws(() => asExecutor({ type: "a", input }), /run must be a function/);
  assert.throws(() => asExecutor({ type: "a", input, run, check: true }), /check must be a function/);
  assert.throws(() => asExecutor({ type: "a", input, run, plan: "x" }), /plan must be a function/);
  assert.deepEqual(await asExecutor({ type: "a", input, run }).check(), { available: true });
});

Deno.test("methods keep their object", async () => {
  class Counter {
    type = "count";
    input = { safeParse: () => ({ success: true }) };
    count = 0;
    run() {
      return ++this.count;
    }
    plan() {
      return [`count to ${this.count + 1}`];
    }
  }
  const executor = asExecutor(new Counter());
  await using attempt = await testContext();
  assert.equal(await executor.run({}, attempt.context), 1);
  assert.deepEqual(await executor.plan!({}), ["count to 2"]);
});
