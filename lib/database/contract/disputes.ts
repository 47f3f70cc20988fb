/** Disputes about tasks and their rewards. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Database } from "../database.ts";
import { type Case, claimNew, enqueue, settle, type Subject, unique } from "./case.ts";

interface Dispute {
  readonly id: string;
  readonly status: string;
  readonly reward: string | null;
  readonly votes_for: number;
  readonly votes_against: number;
  readonly votes: readonly { readonly voter: string; readonly uphold: boolean }[];
  readonly resolved_by: string | null;
  readonly [field: string]: unknown;
}

function open(database: Database, task: string, more: Record<string, unknown> = {}): Promise<Dispute> {
  return database.call("actp_open_dispute", {
    p_task_id: task,
    p_reason: " the clip is silent ",
    p_opened_by: "ann",
    ...more,
  });
}

async function openNew(database: Database): Promise<Dispute> {
  const [task] = await enqueue(database, unique("type"), 1, { reward: "2.50", currency: "USD" });
  return await open(database, task!);
}

function vote(database: Database, { id }: Dispute, voter: string, uphold: boolean): Promise<Dispute> {
  return database.call("actp_vote_dispute", { p_id: id, p_voter: voter, p_uphold: uphold });
}

function resolve(database: Database, { id }: Dispute, status?: string): Promise<Dispute> {
  return database.call("actp_resolve_dispute", { p_id: id, p_by: "eve", p_status: status });
}

/** Lets the time for votes be over. */
async function endVotes({ sql }: Subject, { id }: Dispute): Promise<void> {
  await sql!(`update public.actp_disputes set vote_deadline = now() where id = '${id}'`);
}

export const disputeCases: Case[] = [
  {
    name: "a dispute keeps what it is about, who opened it and until when votes count",
    async run({ database }) {
      const dispute = await openNew(database);
      const { reason, opened_by, status, reward, currency, votes } = dispute;
      deepEqual({ reason, opened_by, status, reward, currency, votes }, {
        reason: "the clip is silent",
        opened_by: "ann",
        status: "open",
        reward: "2.50",
        currency: "USD",
        votes: [],
      });
      const span = Date.parse(String(dispute.vote_deadline)) - Date.parse(String(dispute.opened_at));
      equal(span, 3 * 86_400_000);
      deepEqual(await database.call("actp_get_dispute", { p_id: dispute.id }), dispute);
    },
  },
  {
    name: "one dispute about a task at a time",
    async run({ database }) {
      const dispute = await openNew(database);
      const task = String(dispute.task_id);
      await rejects(open(database, task), { code: "PT409", message: /open already/ });
      await resolve(database, dispute, "withdrawn");
      await open(database, task);
      const listed = await database.call<Dispute[]>("actp_list_disputes", { p_task_id: task });
      deepEqual(listed.map(({ status }) => status), ["open", "withdrawn"]);
    },
  },
  {
    name: "a voter has one vote, the last one",
    async run({ database }) {
      const dispute = await openNew(database);
      await vote(database, dispute, "bob", false);
      await vote(database, dispute, "cid", true);
      const { votes_for, votes_against, votes } = await vote(database, dispute, "bob", true);
      deepEqual([votes_for, votes_against, votes.length], [2, 0, 2]);
    },
  },
  {
    name: "votes decide when their time is over, unless they are even",
    needs: "sql",
    async run(subject) {
      const { database } = subject;
      const dispute = await openNew(database);
      await vote(database, dispute, "bob", true);
      await rejects(resolve(database, dispute), { code: "PT409", message: /votes count until/ });
      await endVotes(subject, dispute);
      await rejects(vote(database, dispute, "cid", false), {
        code: "PT409",
        message: /time for votes ended/,
      });
      const { status, resolved_by } = await resolve(database, dispute);
      deepEqual([status, resolved_by], ["upheld", "eve"]);
      const even = await openNew(database);
      await endVotes(subject, even);
      await rejects(resolve(database, even), { code: "PT409", message: /votes are even/ });
      equal((await resolve(database, even, "rejected")).status, "rejected");
    },
  },
  {
    name: "a dispute that has ended stays so",
    async run({ database }) {
      const dispute = await openNew(database);
      await resolve(database, dispute, "upheld");
      await rejects(resolve(database, dispute, "rejected"), { code: "PT409", message: /is upheld already/ });
      await rejects(vote(database, dispute, "bob", true), { code: "PT409", message: /is upheld already/ });
    },
  },
  {
    name: "what is missing or out of bounds is refused by its name",
    async run({ database }) {
      const nobody = crypto.randomUUID();
      const [task] = await enqueue(database, unique("type"));
      await rejects(open(database, nobody), { code: "PT404", message: /no task/ });
      await rejects(open(database, task!, { p_reason: " " }), { code: "PT400", message: /reason/ });
      await rejects(open(database, task!, { p_opened_by: "" }), { code: "PT400", message: /opened_by/ });
      await rejects(open(database, task!, { p_vote_seconds: 5 }), { code: "PT400", message: /vote_seconds/ });
      for (const fn of ["actp_get_dispute", "actp_resolve_dispute", "actp_vote_dispute"]) {
        const more = fn === "actp_get_dispute"
          ? {}
          : fn === "actp_resolve_dispute"
          ? { p_by: "x" }
          : { p_voter: "x", p_uphold: true };
        await rejects(database.call(fn, { p_id: nobody, ...more }), { code: "PT404" });
      }
      await rejects(database.call("actp_list_disputes", { p_status: "maybe" }), { code: "PT400" });
    },
  },
  {
    name: "what a task earned counts, but not under an open dispute, nor after one that was upheld",
    async run({ database }) {
      const currency = unique("cur").slice(0, 20);
      const tasks: string[] = [];
      for (const reward of ["1.10", "2.20", "4.40", "8.80"]) {
        const task = await claimNew(database, "w", { reward, currency });
        await settle(
          database,
          "w",
          task,
          reward === "8.80" ? { outcome: "failed", retry: false } : { outcome: "done" },
        );
        tasks.push(task.id);
      }
      const earned = async () => {
        type Amount = { currency: string; amount: string };
        const summary = await database.call<{ earnings: Amount[]; disputed: Amount[] }>(
          "actp_activity_summary",
        );
        const of = (amounts: Amount[]) => amounts.find((amount) => amount.currency === currency)?.amount;
        return [of(summary.earnings), of(summary.disputed)];
      };
      deepEqual(await earned(), ["7.70", undefined]);
      const first = await open(database, tasks[0]!);
      const second = await open(database, tasks[1]!);
      deepEqual(await earned(), ["4.40", "3.30"]);
      await resolve(database, first, "upheld");
      await resolve(database, second, "rejected");
      deepEqual(await earned(), ["6.60", undefined]);
    },
  },
];
