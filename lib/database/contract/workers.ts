/** Workers: registration, liveness, logs; and what the database says of itself. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { MIGRATIONS } from "../migrations.ts";
import { type Case, unique } from "./case.ts";

interface WorkerRow {
  readonly worker_id: string;
  readonly status: string;
  readonly [column: string]: unknown;
}

const details = (id: string, hostname = "host-a") => ({
  worker_id: id,
  hostname,
  capabilities: ["ffmpeg_process", "safari_action"],
  max_concurrent: 3,
  version: "1.2.3",
  os_version: "14.5",
  started_at: "2026-01-01T00:00:00Z",
  system_info: { arch: "arm64" },
});

export const workerCases: Case[] = [
  {
    name: "a registered worker is listed with what it can do",
    async run({ database }) {
      const id = unique("worker");
      deepEqual(await database.call("actp_register_worker", { p_worker: details(id) }), { registered: true });
      const [row] = await database.call<WorkerRow[]>("actp_list_workers", { p_worker_id: id });
      deepEqual(
        [
          row!.status,
          row!.hostname,
          row!.capabilities,
          row!.max_concurrent,
          row!.version,
          row!.system_info,
          row!.current,
        ],
        ["online", "host-a", ["ffmpeg_process", "safari_action"], 3, "1.2.3", { arch: "arm64" }, []],
      );
      equal(row!.started_at, "2026-01-01T00:00:00+00:00");
      const all = await database.call<WorkerRow[]>("actp_list_workers");
      ok(all.some((worker) => worker.worker_id === id));
    },
  },
  {
    name: "a worker may register again from its host, and from another only when it is gone",
    async run({ database }) {
      const id = unique("worker");
      const register = (hostname: string) =>
        database.call<{ registered: boolean; hostname?: string }>("actp_register_worker", {
          p_worker: details(id, hostname),
        });
      await register("host-a");
      equal((await register("host-a")).registered, true);
      const refused = await register("host-b");
      deepEqual([refused.registered, refused.hostname], [false, "host-a"]);
      await database.call("actp_heartbeat_worker", { p_worker_id: id, p_status: "offline" });
      equal((await register("host-b")).registered, true);
      equal((await register("host-a")).registered, false);
    },
  },
  {
    name: "of two hosts that register one id at the same time, one is refused",
    needs: "other",
    async run({ database, other }) {
      for (let round = 0; round < 10; round++) {
        const id = unique("worker");
        const answers = await Promise.all(
          [database, other!].map((client, n) =>
            client.call<{ registered: boolean }>("actp_register_worker", {
              p_worker: details(id, `host-${n}`),
            })
          ),
        );
        deepEqual(answers.map(({ registered }) => registered).toSorted(), [false, true]);
      }
    },
  },
  {
    name: "a worker without an id is refused",
    async run({ database }) {
      for (const worker of [{}, { worker_id: "" }, { worker_id: null }, null]) {
        await rejects(database.call("actp_register_worker", { p_worker: worker }), {
          code: "PT400",
          message: /worker_id/,
        });
      }
    },
  },
  {
    name: "a worker's heartbeat tells what it does and keeps its capabilities up to date",
    async run({ database }) {
      const id = unique("worker");
      await database.call("actp_register_worker", { p_worker: details(id) });
      const current = [{ task_id: crypto.randomUUID(), task_type: "t", started_at: "2026-01-01T00:00:00Z" }];
      const counts = await database.call("actp_heartbeat_worker", {
        p_worker_id: id,
        p_status: "busy",
        p_current: current,
        p_capabilities: ["only_this"],
      });
      deepEqual(counts, { jobs_completed: 0, jobs_failed: 0 });
      const [busy] = await database.call<WorkerRow[]>("actp_list_workers", { p_worker_id: id });
      deepEqual([busy!.status, busy!.current, busy!.capabilities], ["busy", current, ["only_this"]]);
      await database.call("actp_heartbeat_worker", { p_worker_id: id, p_status: "offline" });
      const [gone] = await database.call<WorkerRow[]>("actp_list_workers", { p_worker_id: id });
      deepEqual([gone!.status, gone!.current, gone!.capabilities], ["offline", [], ["only_this"]]);
    },
  },
  {
    name: "a worker that is silent for two minutes is dead, and its id free",
    needs: "sql",
    async run({ database, sql }) {
      const id = unique("worker");
      await database.call("actp_register_worker", { p_worker: details(id) });
      await sql!(`update public.actp_worker_registrations set last_heartbeat = now() - interval '121 seconds'
        where worker_id = '${id}'`);
      const [row] = await database.call<WorkerRow[]>("actp_list_workers", { p_worker_id: id });
      equal(row!.status, "dead");
      deepEqual(await database.call("actp_register_worker", { p_worker: details(id, "host-b") }), {
        registered: true,
      });
    },
  },
  {
    name: "the heartbeat of an unknown worker is PT404, so that it registers again",
    async run({ database }) {
      await rejects(
        database.call("actp_heartbeat_worker", { p_worker_id: unique("worker"), p_status: "online" }),
        {
          code: "PT404",
          transient: false,
        },
      );
    },
  },
  {
    name: "log rows are written as one batch",
    async run({ database }) {
      const rows = [
        {
          level: "info",
          service: "poller",
          job_id: crypto.randomUUID(),
          message: "claimed",
          details: { n: 1 },
        },
        { level: "error", message: "later", created_at: "2026-01-01T00:00:00Z" },
      ];
      const write = (p_rows: unknown) =>
        database.call("actp_write_worker_logs", { p_worker_id: "w", p_rows });
      deepEqual(await write(rows), { written: 2 });
      deepEqual(await write([]), { written: 0 });
      await rejects(write([{ message: "a\u0000b" }]), { code: "22P05", transient: false });
    },
  },
  {
    name: "the database tells its version, its migrations and the sizes of its tables",
    async run({ database }) {
      const status = await database.call<{
        server_version: string;
        now: string;
        migrations: string[];
        tables: { name: string; bytes: string; rows_estimate: string }[];
      }>("actp_database_status");
      const known = new Set(status.migrations);
      for (const { version } of MIGRATIONS) ok(known.has(version), version);
      match(status.now, /\+00:00$/);
      const tasks = status.tables.find(({ name }) => name === "actp_workflow_tasks");
      ok(Number(tasks!.bytes) > 0);
      equal(typeof tasks!.rows_estimate, "string");
    },
  },
];
