import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Outcome, Settlement } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { Journal, openJournal } from "./journal.ts";

const settlement = (
  id: string,
  token = "1",
  outcome: Outcome = { kind: "done", output: id },
): Settlement => ({
  task: { id, token, type: "echo", attempt: 1 },
  outcome,
  durationMs: 12.5,
});

const idsOf = (journal: Journal, source = "s", limit = 1000) =>
  journal.unsent(source, limit).map((entry) => entry.settlement.task.id);

Deno.test("what was appended is there after closing and opening again, in order and as it was", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "journal.sqlite");
  const given = [
    settlement("b", "9007199254740993", { kind: "failed", error: "no", retry: false, logTail: "tail" }),
    settlement("a", "1", { kind: "done", output: { deep: ["ü", null, 1.5] } }),
  ];
  const journal = new Journal(path);
  for (const each of given) await journal.append("s", each);
  await journal.append("other", given[0]);
  journal.close();
  const again = new Journal(path);
  assert.deepEqual(again.unsent("s", 10).map((entry) => entry.settlement), given);
  assert.deepEqual([again.size(), again.has("s", given[1].task), again.has("s", { id: "a", token: "2" })], [
    3,
    true,
    false,
  ]);
  again.close();
});

Deno.test("a second outcome for the same claim is ignored, one for another claim is not", async () => {
  await using dir = await tempDir();
  const journal = new Journal(join(dir.path, "j"));
  await journal.append("s", settlement("a"));
  await journal.append("s", settlement("a", "1", { kind: "cancelled" }));
  await journal.append("s", settlement("a", "2", { kind: "cancelled" }));
  assert.deepEqual(journal.unsent("s", 10).map((entry) => entry.settlement.outcome.kind), [
    "done",
    "cancelled",
  ]);
  journal.close();
});

Deno.test("appends that come together are all kept and tell the listeners once", async () => {
  await using dir = await tempDir();
  const journal = new Journal(join(dir.path, "j"));
  let told = 0;
  const stop = journal.onAppend(() => told++);
  await Promise.all(Array.from({ length: 100 }, (_, i) => journal.append("s", settlement(`${i}`))));
  assert.deepEqual([journal.size(), told], [100, 1]);
  stop();
  await journal.append("s", settlement("late"));
  assert.equal(told, 1);
  journal.close();
});

Deno.test("an append that waits when the journal closes is still written; one that comes later is refused", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "j");
  const journal = new Journal(path);
  const append = journal.append("s", settlement("a"));
  journal.close();
  await append;
  await assert.rejects(journal.append("s", settlement("b")), /^Error: Cannot write the journal/);
  const again = new Journal(path);
  assert.deepEqual(idsOf(again), ["a"]);
  again.close();
});

Deno.test("a batch is no larger than one call should be, and never empty while something waits", async () => {
  await using dir = await tempDir();
  const journal = new Journal(join(dir.path, "j"));
  for (const id of ["a", "b", "c", "d"]) {
    await journal.append("s", settlement(id, "1", { kind: "done", output: "x".repeat(1_900_000) }));
  }
  assert.deepEqual(idsOf(journal), ["a", "b", "c"]);
  assert.deepEqual(idsOf(journal, "s", 2), ["a", "b"]);
  journal.forget(journal.unsent("s", 10).map((entry) => entry.id));
  assert.deepEqual(idsOf(journal), ["d"]);
  await journal.append("large", settlement("e", "1", { kind: "done", output: "x".repeat(5_000_000) }));
  assert.deepEqual(idsOf(journal, "large"), ["e"]);
  journal.close();
});

Deno.test("a full disk refuses the append with the reason, loses nothing older, and works again after it", async () => {
  await using dir = await tempDir();
  const { journal, database } = openWithDatabase(join(dir.path, "j"));
  await journal.append("s", settlement("a"));
  const pages = Number(Object.values(database.prepare("pragma page_count").get()!)[0]);
  database.exec(`pragma max_page_count = ${pages}`);
  const large = settlement("b", "1", { kind: "done", output: "x".repeat(100_000) });
  const refused = [journal.append("s", large), journal.append("s", settlement("c"))];
  for (const append of refused) {
    await assert.rejects(append, { message: "Cannot write the journal: database or disk is full" });
  }
  assert.deepEqual(idsOf(journal), ["a"]);
  database.exec("pragma max_page_count = 100000");
  await journal.append("s", large);
  assert.deepEqual(idsOf(journal), ["a", "b"]);
  journal.close();
});

Deno.test("what a killed process had been told is on disk is on disk", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "j");
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "-"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(`
    import { Journal } from ${JSON.stringify(import.meta.resolve("./journal.ts"))};
    const journal = new Journal(${JSON.stringify(path)});
    for (let i = 0;; i++) {
      await journal.append("s", {
        task: { id: String(i), token: "1", type: "echo", attempt: 1 },
        outcome: { kind: "done", output: null },
        durationMs: 1,
      });
      await Deno.stdout.write(new TextEncoder().encode(i + "\\n"));
    }
  `));
  await input.close();
  let told = "";
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (told.split("\n").length < 20) told += (await reader.read()).value;
  process.kill("SIGKILL");
  for (let read = await reader.read(); !read.done; read = await reader.read()) told += read.value;
  await process.status;
  const acknowledged = told.split("\n").slice(0, -1);
  const journal = new Journal(path);
  const kept = idsOf(journal);
  assert.ok(kept.length - acknowledged.length <= 1);
  assert.deepEqual(kept.slice(0, acknowledged.length), acknowledged);
  journal.close();
});

for (
  const [name, damage] of Object.entries({
    "a file that is no database": (path: string) =>
      Deno.writeTextFileSync(path, "not a journal ".repeat(1000)),
    "a journal cut in half": (path: string) =>
      Deno.truncateSync(path, Math.floor(Deno.statSync(path).size / 2)),
    "a journal overwritten in the middle": (path: string) => {
      using file = Deno.openSync(path, { write: true });
      file.seekSync(4096, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(8192).fill(0x5a));
    },
  })
) {
  Deno.test(`${name} is set aside and reported, never read as empty`, async () => {
    await using log = capturedLog();
    await using dir = await tempDir();
    const path = join(dir.path, "journal.sqlite");
    const clock = fakeClock(Date.UTC(2026, 0, 2, 3, 4, 5));
    const first = openJournal(path, clock);
    for (let i = 0; i < 10; i++) {
      await first.append("s", settlement(`${i}`, "1", { kind: "done", output: "x".repeat(5000) }));
    }
    first.close();
    damage(path);
    const damaged = Deno.readFileSync(path);
    const journal = openJournal(path, clock);
    assert.equal(journal.size(), 0);
    await journal.append("s", settlement("new"));
    journal.close();
    const aside = `${path}.corrupt-2026-01-02T030405000Z`;
    assert.deepEqual(Deno.readFileSync(aside), damaged);
    assert.equal(log.records.length, 1);
    assert.equal(log.records[0].level, "error");
    assert.ok(log.records[0].message.includes(aside), log.records[0].message);
    const again = openJournal(path, clock);
    assert.deepEqual(idsOf(again), ["new"]);
    again.close();
  });
}

Deno.test("a journal that cannot be opened is an error and stays where it is", async () => {
  await using dir = await tempDir();
  assert.throws(
    () => openJournal(join(dir.path, "missing", "j")),
    /^Error: Cannot open the journal .*missing/,
  );
  assert.throws(() => openJournal(dir.path));
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("any sequence of appends, forgetting and reopening keeps exactly what is unsent", async () => {
  const append = fc.record({
    kind: fc.constant("append" as const),
    source: fc.constantFrom("s", "t"),
    id: fc.constantFrom("a", "b", "c", "d"),
    token: fc.constantFrom("1", "2"),
    output: fc.jsonValue(),
  });
  const forget = fc.record({
    kind: fc.constant("forget" as const),
    source: fc.constantFrom("s", "t"),
    count: fc.integer({ min: 0, max: 4 }),
  });
  const reopen = fc.record({ kind: fc.constant("reopen" as const) });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(append, append, forget, reopen), { maxLength: 30 }), async (steps) => {
      await using dir = await tempDir();
      const path = join(dir.path, "j");
      let journal = new Journal(path);
      const model: { source: string; settlement: Settlement }[] = [];
      for (const step of steps) {
        if (step.kind === "append") {
          const each = settlement(step.id, step.token, {
            kind: "done",
            output: JSON.parse(JSON.stringify(step.output)),
          });
          await journal.append(step.source, each);
          const known = model.some(({ source, settlement: { task } }) =>
            source === step.source && task.id === step.id && task.token === step.token
          );
          if (!known) model.push({ source: step.source, settlement: each });
        } else if (step.kind === "forget") {
          const taken = journal.unsent(step.source, step.count);
          journal.forget(taken.map((entry) => entry.id));
          const gone = model.filter(({ source }) => source === step.source).slice(0, step.count);
          for (const each of gone) model.splice(model.indexOf(each), 1);
        } else {
          journal.close();
          journal = new Journal(path);
        }
        for (const source of ["s", "t"]) {
          assert.deepEqual(
            journal.unsent(source, 100).map((entry) => entry.settlement),
            model.filter((each) => each.source === source).map((each) => each.settlement),
          );
        }
        assert.equal(journal.size(), model.length);
      }
      journal.close();
    }),
    { seed: 1, numRuns: 30 },
  );
});

/** A journal and its own connection, to set the limits that SQLite has per connection. */
function openWithDatabase(path: string): { journal: Journal; database: DatabaseSync } {
  const { exec } = DatabaseSync.prototype;
  let database: DatabaseSync | undefined;
  DatabaseSync.prototype.exec = function (sql: string) {
    database = this;
    return exec.call(this, sql);
  };
  try {
    const journal = new Journal(path);
    return { journal, database: database! };
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}
