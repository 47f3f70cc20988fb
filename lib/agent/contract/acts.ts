/** Outward acts of agents: proposed, agreed to, done once, within what platforms allow. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { systemClock } from "../../clock.ts";
import type { ApprovalRule } from "../../config/agent_rules.ts";
import type { Database } from "../../database/database.ts";
import { type OutwardAct, TaskError } from "../../task/task.ts";
import { type AgentTool, defineTool } from "../agent.ts";
import { AgentActs } from "../acts.ts";
import { type LoopTool, loopTool } from "../loop/tools.ts";
import { RunNews } from "../news.ts";
import type { Cases } from "./cases.ts";

const never = new AbortController().signal;
const unique = (what: string) => `${what}-${crypto.randomUUID().slice(0, 8)}`;

interface Comment {
  readonly text: string;
}

/** A tool that comments; what it does is counted in `done`. */
function commenting(
  work: (done: number) => unknown = (done) => ({ id: done }),
  act: Partial<OutwardAct> = {},
): { tool: LoopTool; done: string[] } {
  const done: string[] = [];
  const tool: AgentTool<Comment> = {
    name: "comment",
    description: "comments",
    input: z.object({ text: z.string() }),
    outward: ({ text }) => ({
      kind: "comment",
      platform: "tiktok",
      summary: `comment: ${text}`,
      preview: { text },
      ...act,
    }),
    async run({ text }) {
      done.push(text);
      return await work(done.length);
    },
  };
  return { tool: loopTool(defineTool(tool)), done };
}

interface Setting {
  readonly agent?: string;
  readonly holder?: string;
  readonly rules?: readonly ApprovalRule[];
  readonly expiresMs?: number;
}

function actsOf(database: Database, setting: Setting = {}) {
  const agentId = setting.agent ?? unique("agent");
  const holder = setting.holder ?? `w/${agentId}/${crypto.randomUUID()}`;
  const acts = new AgentActs({
    database,
    clock: systemClock,
    agentId,
    holder,
    rules: setting.rules ?? [],
    expiresMs: setting.expiresMs ?? 60_000,
    log: getLogger(["actp", "test"]),
  });
  const news = async () => {
    const rows = await database.call<{ id: string; status: string; error: string | null }[]>(
      "actp_agent_news",
      { p_agent_id: agentId, p_holder: holder },
    );
    return rows.map(({ status }) => status);
  };
  return { acts, agentId, holder, news };
}

async function propose(acts: AgentActs, tool: LoopTool, text = "hello", runId: string = crypto.randomUUID()) {
  const outcome = await acts.propose(tool, { text }, tool.outward!({ text }), runId, never);
  return {
    ...JSON.parse(outcome.content) as { approval_id: string; status: string },
    failed: outcome.failed,
    runId,
  };
}

function decide(database: Database, id: string, approve: boolean, reason?: string) {
  return database.call("actp_decide_act", {
    p_id: id,
    p_approve: approve,
    p_by: "ann",
    p_reason: reason ?? null,
  });
}

const alwaysTrusted = [{ name: "all", perDay: 1000 }];

export const actCases: Cases = {
  async "a call only proposes; it is done once when a person has approved it, and its result is kept"(
    database,
  ) {
    const { acts, news } = actsOf(database);
    const { tool, done } = commenting();
    const { approval_id, status } = await propose(acts, tool);
    deepEqual([status, done], ["waiting for approval", []]);
    deepEqual(await acts.due(never), []);
    await decide(database, approval_id, true);
    const [act] = await acts.due(never);
    const twice = await Promise.all([acts.perform(act!, tool, never), acts.perform(act!, tool, never)]);
    deepEqual(twice.map(({ status }) => status).sort(), ["done", "not now"]);
    deepEqual(done, ["hello"]);
    deepEqual(await acts.due(never), []);
    deepEqual(await news(), ["done"]);
    const row = await database.call<{ result: unknown }>("actp_get_act", { p_id: approval_id });
    deepEqual(row.result, { id: 1 });
  },

  async "the same proposal of a run is one; of another run it is another"(database) {
    const { acts } = actsOf(database);
    const { tool } = commenting();
    const first = await propose(acts, tool);
    equal((await propose(acts, tool, "hello", first.runId)).approval_id, first.approval_id);
    ok((await propose(acts, tool, "other", first.runId)).approval_id !== first.approval_id);
    ok((await propose(acts, tool)).approval_id !== first.approval_id);
  },

  async "the agent learns decisions and results once, with their reasons"(database) {
    const { acts, agentId, holder } = actsOf(database);
    const { tool } = commenting();
    const rejected = await propose(acts, tool, "a");
    const waits = await propose(acts, tool, "b");
    const news = new RunNews(database, agentId, holder);
    deepEqual(await news.next(), []);
    await decide(database, rejected.approval_id, false, "wrong tone");
    const [text] = await news.next();
    match(
      text!,
      /^News of your earlier proposals:\n- comment: a \(approval .*\): rejected by ann: wrong tone$/,
    );
    // Until the model has read it, another run would be told as well.
    equal((await new RunNews(database, agentId, holder).next()).length, 1);
    deepEqual(await news.next(), []);
    await decide(database, waits.approval_id, true);
    match((await news.next())[0]!, /comment: b .*approved by ann; not done yet$/);
    await acts.perform((await acts.due(never))[0]!, tool, never);
    match((await news.next())[0]!, /comment: b .*: done; result: \{"id":1\}$/);
    deepEqual(await news.next(), []);
  },

  async "a proposal that nobody answers expires, and the agent hears of it"(database) {
    const { acts, news } = actsOf(database, { expiresMs: 1 });
    const { tool } = commenting();
    await propose(acts, tool);
    await systemClock.sleep(20);
    deepEqual(await news(), ["expired"]);
    deepEqual(await acts.due(never), []);
  },

  async "a rule trusts so many a day, done at once; the next waits for a person"(database) {
    const { acts } = actsOf(database, { rules: [{ name: "small talk", kinds: ["comment"], perDay: 2 }] });
    const { tool, done } = commenting();
    const statuses = [];
    for (const text of ["a", "b", "c"]) statuses.push((await propose(acts, tool, text)).status);
    deepEqual(statuses, ["done", "done", "waiting for approval"]);
    deepEqual(done, ["a", "b"]);
    const listed = await database.call<{ decided_by: string }[]>("actp_list_acts", {
      p_status: "done",
      p_limit: 2,
    });
    equal(listed[0]!.decided_by, "rule small talk");
  },

  async "an act that surely did not happen is tried again three times, later, and then has failed"(database) {
    const { acts, news } = actsOf(database);
    const { tool, done } = commenting(() => {
      throw new TaskError("the site is down", { retry: true });
    });
    const { approval_id } = await propose(acts, tool);
    await decide(database, approval_id, true);
    const act = (await acts.due(never))[0]!;
    const first = await acts.perform(act, tool, never);
    deepEqual([first.status, await acts.due(never)], ["approved", []]);
    await acts.perform(act, tool, never);
    equal((await acts.perform(act, tool, never)).status, "failed");
    equal((await acts.perform(act, tool, never)).status, "not now");
    equal(done.length, 3);
    deepEqual(await news(), ["failed"]);
    await rejects(decide(database, approval_id, true), /is failed already/);
  },

  async "a failure told as a result is no act that was done"(database) {
    const { acts } = actsOf(database, { rules: alwaysTrusted });
    const { tool } = commenting(() => ({ error: "service_unavailable" }));
    equal((await propose(acts, tool)).status, "approved");
  },

  async "an act that never can be is not tried again"(database) {
    const { acts } = actsOf(database, { rules: alwaysTrusted });
    const { tool } = commenting(() => {
      throw new TaskError("the post is gone", { retry: false });
    });
    const { status, failed } = await propose(acts, tool);
    deepEqual([status, failed], ["failed", true]);
  },

  async "an act that broke off is not done again until a person says that it did not happen"(database) {
    const { acts, news } = actsOf(database);
    const { tool, done } = commenting((done) => {
      if (done === 1) throw new Error("the connection was cut");
    });
    const { approval_id } = await propose(acts, tool);
    await decide(database, approval_id, true);
    equal((await acts.perform((await acts.due(never))[0]!, tool, never)).status, "uncertain");
    deepEqual([await acts.due(never), await news()], [[], ["uncertain"]]);
    await decide(database, approval_id, true);
    equal((await acts.perform((await acts.due(never))[0]!, tool, never)).status, "done");
    equal(done.length, 2);
  },

  async "what is being done cannot be decided about; what a killed process was doing can"(database) {
    const agent = unique("agent");
    const { acts } = actsOf(database, { agent, holder: `w/${agent}/killed` });
    const { tool } = commenting(() => new Promise(() => {}));
    const { approval_id } = await propose(acts, tool);
    await decide(database, approval_id, true);
    const due = (await acts.due(never))[0]!;
    await database.call("actp_begin_agent_act", { p_id: due.id, p_fence: `w/${agent}/killed/1` });
    await rejects(decide(database, approval_id, false), /being done right now/);
    await database.call("actp_rescue_agent_tasks", { p_holders: `w/${agent}/`, p_except: `w/${agent}/next` });
    const next = actsOf(database, { agent, holder: `w/${agent}/next` });
    deepEqual(await next.news(), ["uncertain"]);
    await decide(database, approval_id, false, "it is there");
    deepEqual(await next.news(), ["rejected"]);
  },

  async "a paused platform is left alone, also by what has been approved, until the pause is over"(database) {
    const platform = unique("platform");
    const { acts } = actsOf(database);
    const { tool, done } = commenting(undefined, { platform });
    const { approval_id } = await propose(acts, tool);
    await decide(database, approval_id, true);
    const act = (await acts.due(never))[0]!;
    await database.call("actp_pause_platform", { p_platform: platform, p_minutes: 60, p_reason: "429" });
    await database.call("actp_pause_platform", { p_platform: platform, p_minutes: 1 });
    deepEqual(await acts.due(never), []);
    const performed = await acts.perform(act, tool, never);
    equal(performed.status === "not now" && performed.reason, "the platform is paused");
    const pauses = await database.call<{ platform: string; until: string }[]>("actp_list_platform_pauses");
    const until = Date.parse(pauses.find((pause) => pause.platform === platform)!.until);
    ok(until > Date.now() + 50 * 60_000);
    await database.call("actp_resume_platform", { p_platform: platform });
    equal((await acts.perform((await acts.due(never))[0]!, tool, never)).status, "done");
    deepEqual(done, ["hello"]);
  },

  async "LinkedIn gets at most 10 connection requests a day, whoever asks and whoever approves"(database) {
    const { tool, done } = commenting(undefined, { platform: "LinkedIn", kind: "connection_request" });
    const statuses: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { acts } = actsOf(database, { rules: alwaysTrusted });
      statuses.push((await propose(acts, tool, `${n}`)).status);
    }
    equal(done.length, 10);
    deepEqual(statuses.slice(9), ["done", "not now", "not now"]);
  },

  async "the last places under a limit are given out once, also to those who ask at once"(database) {
    const { tool, done } = commenting(undefined, { platform: "instagram", kind: "reply" });
    const proposals = await Promise.all(Array.from({ length: 25 }, async (_, n) => {
      const { acts } = actsOf(database, { rules: alwaysTrusted });
      return await propose(acts, tool, `${n}`);
    }));
    equal(done.length, 20);
    equal(proposals.filter(({ status }) => status === "not now").length, 5);
  },

  async "an act whose tool is gone has failed, and says so"(database) {
    const { acts } = actsOf(database);
    const { tool } = commenting();
    const { approval_id } = await propose(acts, tool);
    await decide(database, approval_id, true);
    const performed = await acts.perform((await acts.due(never))[0]!, undefined, never);
    deepEqual(performed, { status: "failed", error: "there is no tool comment any more" });
  },
};
