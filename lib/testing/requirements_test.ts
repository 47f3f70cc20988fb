import assert from "node:assert/strict";
import { findProgram, needs } from "./requirements.ts";

/** Runs `body` with one environment variable set, and puts the old value back. */
async function withEnv(name: string, value: string, body: () => Promise<void>): Promise<void> {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  try {
    await body();
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
  }
}

Deno.test("a program that is present is found and nothing is skipped", async () => {
  await withEnv("ACTP_TEST_FFMPEG", Deno.execPath(), async () => {
    assert.equal(await findProgram("ffmpeg"), Deno.execPath());
    assert.deepEqual(await needs("ffmpeg"), { ignore: false });
  });
});

Deno.test("a file that cannot be executed does not count as the program", async () => {
  await withEnv("ACTP_TEST_TOIL", new URL(import.meta.url).pathname, async () => {
    assert.equal(await findProgram("toil"), undefined);
  });
});

Deno.test("a missing program skips the test, or throws when skipping is forbidden", async () => {
  await withEnv("ACTP_TEST_CHROMIUM", "/nowhere/chromium", async () => {
    await withEnv("ACTP_REQUIRE_REAL", "0", async () => {
      assert.deepEqual(await needs("chromium"), { ignore: true });
    });
    await withEnv("ACTP_REQUIRE_REAL", "1", async () => {
      await assert.rejects(needs("chromium"), /needs chromium \(apt-get install chromium\): not found/);
    });
  });
});

Deno.test({
  name: "the packaged PostgREST runs",
  ...await needs("postgrest"),
  fn: async () => {
    const program = await findProgram("postgrest");
    const { stdout } = await new Deno.Command(program!, { args: ["--version"] }).output();
    assert.match(new TextDecoder().decode(stdout), /^PostgREST \d+\./);
  },
});
