import assert from "node:assert/strict";
import { claim, claimNew, get, settle } from "../database/contract/case.ts";
import { openPostgres } from "../database/postgres.ts";
import { inProcess, recordingTerminal } from "../testing/cli.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { confirmedActs } from "./confirm_acts.ts";

Deno.test({
  name: "people decide about outward acts from the command line",
  ...await needs("postgres"),
  async fn() {
    await using server = await startPostgres();
    await using home = await tempDir();
    const database = openPostgres(server.url);
    await database.migrate();
    const cli = (...args: string[]) => inProcess(args, { ACTP_HOME: home.path, DATABASE_URL: server.url });
    const propose = async (summary: string) => {
      const task = await claimNew(database, "w");
      const act = {
        source: "workflow",
        task_id: task.id,
        digest: "d",
        kind: "post",
        summary,
        preview: { caption: "hi" },
      };
      const { id } = await database.call<{ id: string }>("actp_request_act", {
        p_act: act,
        p_worker_id: "w",
        p_expires_seconds: 3600,
      });
      await settle(database, "w", task, { outcome: "released" });
      return { task, id };
    };
    assert.match((await cli("approvals", "list")).stderr, /nothing waits for you/);
    const first = await propose("post a\x07 video");
    const second = await propose("post another");
    const listed = (await cli("approvals", "list")).stdout;
    assert.ok(listed.includes(first.id) && listed.includes("post a  video"), listed);
    const tasks = (await cli("tasks", "list")).stdout;
    assert.ok(tasks.includes(`waiting for approval ${first.id}, for `), tasks);
    assert.doesNotMatch(tasks, /due in/);
    const shown = JSON.parse((await cli("tasks", "show", first.task.id, "--json")).stdout);
    assert.equal(shown.approval.id, first.id);
    assert.match((await cli("approvals", "show", first.id)).stdout, /preview: \{\n {2,}"caption": "hi"/);
    assert.match((await cli("approvals", "approve", first.id)).stdout, /^approved: post a/);
    assert.equal((await claim(database, "w", first.task.task_type)).length, 1);
    assert.doesNotMatch((await cli("tasks", "show", first.task.id)).stdout, /^approval/m);
    await cli("approvals", "reject", second.id, "--reason", "not today");
    const [row] = JSON.parse((await cli("approvals", "list", "--status", "rejected", "--json")).stdout);
    assert.deepEqual([row.id, row.decision_reason], [second.id, "not today"]);
    assert.equal((await get(database, second.task.id)).status, "pending");
    const again = await cli("approvals", "approve", second.id);
    assert.deepEqual([again.code, /is rejected already/.test(again.stderr)], [1, true]);
    await database.call("actp_request_agent_act", {
      p_act: {
        agent_id: "a",
        tool_name: "post",
        task_id: crypto.randomUUID(),
        digest: "d",
        kind: "post",
        summary: "broke off",
      },
      p_expires_seconds: 60,
      p_holder: "w/a/1",
      p_rule: { name: "r", per_day: 1 },
    });
    const [act] = await database.call<{ id: string }[]>("actp_list_acts", { p_status: "approved" })
      .then((acts) => acts.filter((act) => JSON.stringify(act).includes("broke off")));
    await database.call("actp_begin_agent_act", { p_id: act!.id, p_fence: "w/a/1/x" });
    assert.doesNotMatch((await cli("approvals", "list")).stdout, /broke off/, "it is being done");
    await database.call("actp_end_agent_act", { p_id: act!.id, p_fence: "w/a/1/x", p_outcome: "uncertain" });
    assert.match((await cli("approvals", "list")).stdout, new RegExp(`${act!.id} +uncertain .*broke off`));
    assert.equal((await cli("approvals", "show", "7")).code, 2);
    assert.equal((await cli("approvals", "list", "--status", "maybe")).code, 2);
    await database.close();
  },
});

const ACT = { kind: "post", summary: "post a video", preview: { caption: "hi" } };

Deno.test("a person at the terminal sees what is to be done, and is asked once", async () => {
  const terminal = recordingTerminal();
  const questions: string[] = [];
  const acts = confirmedActs(terminal, {
    agreed: false,
    ask: (question) => Promise.resolve(questions.push(question) > 0),
  });
  await acts.ask(ACT);
  assert.equal(await acts.perform(ACT, () => Promise.resolve(7)), 7);
  assert.deepEqual(questions, ["Do it?"]);
});

Deno.test("without an answer, or without anybody to ask, nothing is done", async () => {
  const never = () => assert.fail("done");
  const refusing = confirmedActs(recordingTerminal(), { agreed: false, ask: () => Promise.resolve(false) });
  await assert.rejects(refusing.perform(ACT, never), /you did not agree/);
  await assert.rejects(
    confirmedActs(recordingTerminal(), { agreed: false }).perform(ACT, never),
    /say --yes to agree beforehand/,
  );
});
