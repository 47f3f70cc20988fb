/** How long the history of agents, routines and notifications is kept. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import { type Case, unique } from "./case.ts";

export const historyCases: readonly Case[] = [
  {
    name: "the history of agents, routines and notifications is pruned, but for what is still needed",
    needs: "sql",
    async run({ database, sql }) {
      const agent = unique("agent");
      const id = (n: number) => `'00000000-0000-4000-8000-${agent.slice(-8)}000${n}'`;
      const ago = (days: number) => `now() - interval '${days} days'`;
      await sql!(`
        insert into public.actp_agent_runs (id, agent_id, kind, status, started_at) values
          (${id(0)}, '${agent}', 'run', 'succeeded', ${ago(100)}), (${
        id(1)
      }, '${agent}', 'crash', 'crashed', ${ago(100)}),
          (${id(2)}, '${agent}', 'run', 'running', ${ago(2)}), (${
        id(3)
      }, '${agent}', 'run', 'running', now());
        insert into public.actp_tool_call_log (agent_id, tool_name, called_at) values
          ('${agent}', 'old', ${ago(100)}), ('${agent}', 'new', ${ago(10)});
        insert into public.anthropic_cost_log (agent_id, cost_usd, called_at) values
          ('${agent}', 1, ${
        ago(100)
      }), ('${agent}', 2, date_trunc('month', now() at time zone 'UTC') at time zone 'UTC');
        insert into public.actp_agent_tasks (agent_type, goal, status, created_at, completed_at) values
          ('${agent}', 'old', 'succeeded', ${ago(100)}, ${ago(99)}), ('${agent}', 'waits', 'pending', ${
        ago(100)
      }, null),
          ('${agent}', 'late', 'failed', ${ago(100)}, ${ago(1)});
        insert into public.actp_notifications (channel, kind, severity, title, body, status, expires_at, created_at) values
          ('${agent}', 'k', 'info', 'old', '', 'sent', now(), ${ago(100)}),
          ('${agent}', 'k', 'info', 'waits', '', 'waiting', now(), ${ago(100)});`);
      const left = async () => {
        const [row] = await sql!(`select
          (select array_agg(status order by started_at) from public.actp_agent_runs where agent_id = '${agent}') as runs,
          (select array_agg(tool_name) from public.actp_tool_call_log where agent_id = '${agent}') as tools,
          (select array_agg(cost_usd::int order by cost_usd) from public.anthropic_cost_log where agent_id = '${agent}') as costs,
          (select array_agg(goal order by goal) from public.actp_agent_tasks where agent_type = '${agent}') as goals,
          (select array_agg(title) from public.actp_notifications where channel = '${agent}') as told`);
        return row;
      };
      const pruned = (days: number) =>
        database.call<Record<string, number | boolean>>("actp_prune_history", {
          p_days: days,
          p_limit: 1000,
        });
      await pruned(0);
      deepEqual(
        (await left())!.runs,
        ["succeeded", "crashed", "lost", "running"],
        "ended, and nothing deleted",
      );
      const { busy, more, ...gone } = await pruned(90);
      deepEqual([busy, more], [false, false]);
      deepEqual(await left(), {
        runs: ["lost", "running"],
        tools: ["new"],
        costs: [2],
        goals: ["late", "waits"],
        told: ["waits"],
      });
      ok(gone.agent_runs as number >= 2 && gone.tool_calls as number >= 1 && gone.goals as number >= 1);
      await pruned(1); // nor for the shortest time is this month's cost given up
      deepEqual((await left())!.costs, [2]);
      await rejects(pruned(-1), { code: "PT400" });
      const oldest = await database.call<Record<string, string | null>>("actp_oldest_history");
      ok(Date.parse(oldest.anthropic_cost_log!) <= Date.now() + 60_000);
    },
  },
];
