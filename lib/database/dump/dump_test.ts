import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { placeEmbedded } from "../../testing/embedded_database.ts";
import { dumpContent, dumpLines, writeLines } from "../../testing/dump_file.ts";
import { startPostgres } from "../../testing/postgres_server.ts";
import { needs } from "../../testing/requirements.ts";
import { tempDir } from "../../testing/temp.ts";
import { claim, enqueue, get } from "../contract/case.ts";
import { openEmbedded } from "../embedded.ts";
import { loadWithSchema } from "../embedded_restore.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import { openPostgres, type PostgresDatabase } from "../postgres.ts";
import { inOrderOfReference, OUR_TABLES } from "./tables.ts";
import { writeDump } from "./write.ts";

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("", "null", "\\N", "a\tb\r\nc", "NULL", '"', "\\", "{}", "€ 😀 ﷽", "\u2028"),
).map((text) => text.replaceAll("\0", "").toWellFormed());
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: "grapheme" }).map((value) => JSON.stringify(value))
    .filter((text) => !text.includes("\\u0000")),
  fc.constantFrom("null", "12345678901234567890123456789.000000000000001", "1e400", '{"b": 1, "a": null}'),
);
const moment = fc.oneof(
  fc.date({ min: new Date("0100-01-01"), max: new Date("9999-01-01"), noInvalidDate: true }).map((date) =>
    date.toISOString().replace("Z", "001Z")
  ),
  fc.constantFrom("infinity", "-infinity", "0044-03-15 12:00:00+00 BC"),
);
const amount = fc.oneof(
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map((n) => `${n}.0100`),
  fc.constantFrom("NaN", "0", "-0.1"),
);
const whole = fc.integer().map(String);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const statuses = ["pending", "claimed", "running", "succeeded", "failed", "timed_out", "cancelled"];

const task = fc.record({
  id: fc.uuid(),
  task_type: word,
  status: fc.constantFrom(...statuses),
  input_data: json,
  output_data: maybe(json),
  claimed_by: maybe(word),
  claimed_at: maybe(moment),
  priority: whole,
  run_at: moment,
  fence: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  reward: maybe(amount),
  progress: maybe(json),
  error: maybe(word),
});
const registration = fc.record({
  worker_id: fc.uuid(),
  capabilities: fc.array(maybe(word), { maxLength: 5 }),
  system_info: maybe(json),
  last_heartbeat: maybe(moment),
});

/** Fills two tables, one of them with a row that refers to the other, in place of what is there. */
async function fill(
  database: PostgresDatabase,
  tasks: readonly Record<string, string | null>[],
  workers: readonly Record<string, unknown>[],
) {
  await database.transaction(async (connection) => {
    await connection.execute("truncate public.actp_workflow_tasks, public.actp_worker_registrations cascade");
    for (
      const [table, rows] of [["actp_workflow_tasks", tasks], ["actp_worker_registrations", workers]] as const
    ) {
      if (rows.length === 0) continue;
      const columns = Object.keys(rows[0]!);
      // jsonb columns are sent as text, so that a JSON null is not the NULL of SQL.
      const types = columns.map((name) =>
        /_data|progress|system_info/.test(name) ? `(r ->> '${name}')::jsonb` : `x."${name}"`
      );
      await connection.rows(
        `insert into public.${table} (${columns.join(", ")}) select ${types.join(", ")}
         from jsonb_array_elements($1::text::jsonb) r, jsonb_populate_record(null::public.${table}, r - 'input_data') x`,
        [JSON.stringify(rows)],
      );
    }
    await connection.execute(
      `insert into public.actp_task_attempts (task_id, fence, attempt, outcome)
       select id, 1, 1, 'failed' from public.actp_workflow_tasks`,
    );
  });
}

/** The last line as it should be, over lines that a test has changed. */
function summedUp(lines: readonly string[]): string[] {
  const sha256 = createHash("sha256").update(lines.map((line) => `${line}\n`).join("")).digest("hex");
  return [...lines, JSON.stringify({ rows: lines.filter((line) => line.startsWith("[")).length, sha256 })];
}

Deno.test(
  "dumps",
  await needs("postgres"),
  async (test) => {
    await using folder = await tempDir();
    await using server = await startPostgres({
      settings: { timezone: "Asia/Tokyo", datestyle: "German, DMY" },
    });
    await placeEmbedded(join(folder.path, "db"));
    const embedded = await openEmbedded(join(folder.path, "db"));
    const postgres = openPostgres(server.url, { connections: 1 });
    const file = () => join(folder.path, crypto.randomUUID());
    const load = (database: PostgresDatabase, from: string) =>
      database.transaction((connection) => loadWithSchema(connection, from, {}));
    try {
      await test.step("what is dumped and loaded is dumped the same, on PGlite and on PostgreSQL", () =>
        fc.assert(
          fc.asyncProperty(
            fc.uniqueArray(task, { selector: ({ id }) => id, minLength: 10, maxLength: 60 }),
            fc.uniqueArray(registration, { selector: (worker) => worker.worker_id, maxLength: 10 }),
            async (tasks, workers) => {
              await fill(embedded, tasks, workers);
              const [first, second, third] = [file(), file(), file()];
              const { tables } = await writeDump(embedded, first);
              equal(tables.actp_workflow_tasks ?? 0, tasks.length);
              equal(tables.actp_task_attempts ?? 0, tasks.length);
              const content = await dumpContent(first);
              await load(postgres, first);
              await writeDump(postgres, second);
              deepEqual(await dumpContent(second), content);
              await load(embedded, second);
              await writeDump(embedded, third);
              deepEqual(await dumpContent(third), content);
            },
          ),
          { numRuns: 4, seed: 20261129 },
        ));

      await test.step("every table of the schema is in it, and what others refer to comes first", async () => {
        const there = await embedded.transaction((connection) =>
          connection.rows(
            "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
          )
        );
        deepEqual(there.map(({ name }) => String(name)).toSorted(), OUR_TABLES.toSorted());
        const table = (name: string, ...refersTo: string[]) => ({ name, columns: [], refersTo });
        const order = inOrderOfReference([table("a", "c"), table("b"), table("c", "b", "elsewhere")]);
        deepEqual(order.map(({ name }) => name), ["b", "c", "a"]);
        throws(() => inOrderOfReference([table("a", "b"), table("b", "a")]), /refer to each other/);
      });

      await test.step("identity columns count on where they were, and claimed work is where it was", async () => {
        await fill(embedded, [], []);
        const ids = await enqueue(embedded, "type", 3);
        await claim(embedded, "w", "type");
        const dump = file();
        await writeDump(embedded, dump);
        const seq = () =>
          embedded.transaction((connection) =>
            connection.rows(
              "select max(seq)::text as seq, count(*) filter (where status = 'claimed')::int as claimed from public.actp_workflow_tasks",
            )
          );
        const before = await seq();
        await load(embedded, dump);
        deepEqual(await seq(), before);
        await enqueue(embedded, "type");
        equal(BigInt(String((await seq())[0]!.seq)), BigInt(String(before[0]!.seq)) + 1n);
        equal(ids.length, 3);
      });

      await test.step("rows larger than what is fetched at once are whole", async () => {
        await fill(
          embedded,
          [1, 2, 3].map((n) => ({
            id: `00000000-0000-4000-8000-00000000000${n}`,
            input_data: JSON.stringify({ text: `${n}`.repeat(2 ** 21) }),
            task_type: "big",
            status: "pending",
          })),
          [],
        );
        const [first, second] = [file(), file()];
        const seen: [number, number][] = [];
        await writeDump(embedded, first, { progress: (...at) => seen.push(at) });
        ok(seen.length >= 3 && seen.every(([done, of]) => done <= of) && seen.at(-1)![0] === seen.at(-1)![1]);
        await load(embedded, first);
        await writeDump(embedded, second);
        deepEqual(await dumpContent(second), await dumpContent(first));
        equal((await Deno.stat(first)).mode! & 0o777, 0o600);
      });

      await test.step("a dump that is damaged, cut short or of the future is refused, and nothing changes", async () => {
        await fill(embedded, [{
          id: crypto.randomUUID(),
          input_data: "{}",
          task_type: "x",
          status: "pending",
        }], []);
        const dump = file();
        await writeDump(embedded, dump);
        const lines = (await dumpLines(dump)).slice(0, -1);
        const header = JSON.parse(lines[0]!);
        const row = lines.findIndex((line) => line.startsWith("["));
        const bytes = await Deno.readFile(dump);
        const withHeader = (more: Record<string, unknown>) =>
          summedUp([JSON.stringify({ ...header, ...more }), ...lines.slice(1)]);
        const cases: [string[] | Uint8Array<ArrayBuffer>, RegExp][] = [
          [bytes.slice(0, bytes.length - 30), /cut short/],
          [new Uint8Array(), /cut short|ends before/],
          [new TextEncoder().encode("not gzip"), /cannot be unpacked/],
          [["hello"], /no dump of actp-worker/],
          [lines, /cut short/],
          [
            [...lines.with(row, lines[row]!.replace("pending", "running")), summedUp(lines).at(-1)!],
            /checksum/,
          ],
          [summedUp(lines.toSpliced(row, 1)), /0 rows of .* header says 1/],
          [summedUp(lines.toSpliced(row, 0, lines[row]!)), /2 rows of .* header says 1|duplicate key/],
          [summedUp(lines.toSpliced(1, 1)), /is missing in it/],
          [withHeader({ version: 2 }), /format 2 is newer/],
          [withHeader({ migrations: ["29990101000000"] }), /schema is newer than this program .*upgrade/],
          [withHeader({ migrations: "all" }), /header is damaged/],
        ];
        const before = await dumpContent(dump);
        for (const [content, message] of cases) {
          const damaged = file();
          await (content instanceof Uint8Array
            ? Deno.writeFile(damaged, content)
            : writeLines(damaged, content));
          await rejects(load(embedded, damaged), { message });
        }
        const after = file();
        await writeDump(embedded, after);
        deepEqual(await dumpContent(after), before);
      });

      await test.step("a dump of an older schema is loaded into that schema and then migrated", async () => {
        const older = MIGRATIONS.slice(0, 4).map(({ version }) => version);
        const [from, to] = [
          openPostgres(await server.createDatabase()),
          openPostgres(await server.createDatabase()),
        ];
        try {
          await from.transaction((connection) => migrate(connection, new Set(older)));
          const [id] = await enqueue(from, "old");
          const dump = file();
          equal((await writeDump(from, dump)).schema, older.at(-1));
          const { migrated } = await load(to, dump);
          deepEqual(migrated, MIGRATIONS.slice(4).map(({ version, name }) => `${version}_${name}`));
          equal((await get(to, id!)).status, "pending");
        } finally {
          await Promise.all([from.close(), to.close()]);
        }
      });

      await test.step("a dump that cannot be written leaves nothing, and a database without a schema is none", async () => {
        const giveUp = new AbortController();
        await rejects(
          writeDump(embedded, file(), { signal: giveUp.signal, progress: () => giveUp.abort() }),
          { name: "AbortError" },
        );
        await rejects(writeDump(embedded, join(folder.path, "missing", "dump")), { code: "ENOENT" });
        const empty = openPostgres(await server.createDatabase());
        await rejects(writeDump(empty, file()), { name: "DumpError", message: /nothing to dump/ });
        await empty.close();
        deepEqual(
          (await Array.fromAsync(Deno.readDir(folder.path))).filter(({ name }) => name.includes("partial")),
          [],
        );
        await rejects(embedded.transaction((connection) => connection.rows("select 1/0")), {
          name: "DatabaseError",
          code: "22012",
        });
      });
    } finally {
      await embedded.close();
      await postgres.close();
    }
  },
);
