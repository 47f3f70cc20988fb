import assert from "node:assert/strict";
import { enqueueGoal } from "../agent/goals.ts";
import { serverDatabase } from "../testing/agent_databases.ts";
import { inProcess } from "../testing/cli.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";

Deno.test({
  name: "people see what agents have been asked to do, and take it back",
  ...await needs("postgres"),
  async fn() {
    await using subject = await serverDatabase();
    const { database, url } = subject;
    await using home = await tempDir();
    const cli = (...args: string[]) => inProcess(args, { ACTP_HOME: home.path, DATABASE_URL: url });
    assert.match((await cli("agents", "goals")).stderr, /no goals/);
    const waits = await enqueueGoal(database, { agent_type: "content-agent", goal: "write\x07 more" });
    const runs = await enqueueGoal(database, { agent_type: "revenue-agent", goal: "count it" });
    await database.call("actp_claim_agent_task", { p_agent_type: "revenue-agent", p_holder: "w/r/1" });
    const listed = (await cli("agents", "goals")).stdout;
    assert.match(listed, new RegExp(`${waits.id} +content-agent +pending +0/3 .* write  more`));
    assert.match(listed, new RegExp(`${runs.id} +revenue-agent +running +1/3 .* count it`));
    const only = await cli("agents", "goals", "--agent", "revenue", "--status", "running", "--json");
    assert.deepEqual(JSON.parse(only.stdout).map(({ id }: { id: string }) => id), [runs.id]);
    assert.match((await cli("agents", "cancel", waits.id, "--reason", "no")).stdout, /is cancelled/);
    assert.match((await cli("agents", "cancel", runs.id)).stdout, /its agent has been asked to stop/);
    assert.match((await cli("agents", "goals")).stdout, new RegExp(`${runs.id} +revenue-agent +cancelling`));
    const again = await cli("agents", "cancel", waits.id);
    assert.deepEqual([again.code, /is cancelled already/.test(again.stderr)], [1, true]);
    assert.equal((await cli("agents", "cancel", "7")).code, 2);
    assert.equal((await cli("agents", "goals", "--status", "odd")).code, 2);
  },
});
