import assert from "node:assert/strict";
import { topAgent, topData, topTask } from "../testing/top.ts";
import { typesOf } from "./top_data.ts";
import { chosenRow, FIRST_UI, type KeyEffect, onKey, rowsOf, type TopUi } from "./top_ui.ts";

const DATA = topData({
  tasks: [topTask("1", { status: "failed" }), topTask("2"), topTask("3", { status: "pending" })],
});

function press(keys: string[], ui: TopUi = FIRST_UI, data = DATA): KeyEffect {
  return keys.reduce<KeyEffect>((effect, key) => onKey(effect.ui, key, data), { ui });
}

Deno.test("what runs comes first, and the first line is chosen", () => {
  assert.deepEqual(rowsOf(DATA).map(({ key }) => key.slice(-9)), [
    "482000002",
    "482000003",
    "482000001",
    "ent-agent",
    " safari_*",
  ]);
  assert.match(chosenRow(rowsOf(DATA), FIRST_UI)!.key, /2$/);
});

Deno.test("the arrows go through all sections and stop at the ends; tab goes to the next section", () => {
  assert.match(press(["up", "down", "down", "down"]).ui.chosen!, /^agent/);
  assert.match(press(["page-down", "down"]).ui.chosen!, /^type/);
  assert.match(press(["tab"]).ui.chosen!, /^agent/);
  assert.match(press(["tab", "tab", "tab"]).ui.chosen!, /^task.*2$/);
});

Deno.test("a choice stays with its line when the list changes, and falls to the first when it is gone", () => {
  const { ui } = press(["down"]);
  const later = topData({ tasks: [topTask("9"), ...DATA.tasks] });
  assert.match(chosenRow(rowsOf(later), ui)!.key, /3$/);
  assert.match(chosenRow(rowsOf(topData()), ui)!.key, /aaaaaa$/);
});

Deno.test("a running task is cancelled after a yes, a waiting one at once", () => {
  const asked = press(["c"]);
  assert.equal(asked.act, undefined);
  assert.equal(asked.ui.asked?.question, "Cancel countdown …000002, which runs?");
  assert.equal(press(["n"], asked.ui).ui.notice, "not done");
  assert.match(press(["y"], asked.ui).act!.path, /^\/tasks\/.*2\/cancel$/);
  assert.match(press(["down", "c"]).act!.path, /3\/cancel$/);
  assert.match(press(["down", "down", "c"]).ui.notice, /is failed: there is nothing to cancel/);
});

Deno.test("r retries what has failed and restarts agents; s starts and stops them", () => {
  assert.match(press(["down", "down", "r"]).act!.path, /1\/retry$/);
  assert.match(press(["r"]).ui.notice, /cannot be retried/);
  assert.equal(press(["tab", "r"]).act!.path, "/agents/content-agent/restart");
  assert.equal(press(["tab", "s"]).act!.path, "/agents/content-agent/stop");
  const stopped = topData({ tasks: [], agents: [topAgent("a", { status: "stopped" })] });
  assert.equal(press(["s"], FIRST_UI, stopped).act!.path, "/agents/a/start");
  const busy = topData({ tasks: [], agents: [topAgent("a", { run: { id: "r", goal: "g" } })] });
  assert.equal(press(["r"], FIRST_UI, busy).ui.asked?.question, "a is at work. Restart it?");
});

Deno.test("p pauses and resumes types, also the one of the chosen task", () => {
  assert.deepEqual(press(["tab", "tab", "p"]).act?.path, "/queues/resume");
  const { act } = press(["p"]);
  assert.deepEqual([act?.path, act?.body], ["/queues/pause", { pattern: "countdown" }]);
});

Deno.test("f goes through the states, / searches, escape shows all again", () => {
  assert.deepEqual([press(["f", "f"]).ui.filter.status, press(["f"]).refresh], ["claimed,running", true]);
  assert.equal(press(["f", "f", "f", "f", "f", "f"]).ui.filter.status, "");
  const searched = press(["/", "r", "q", "x", "backspace", "enter"]);
  assert.deepEqual([searched.ui.filter.text, searched.refresh, searched.quit], ["rq", true, undefined]);
  assert.equal(press(["/", "x", "escape"]).ui.filter.text, "");
  assert.deepEqual(press(["escape"], searched.ui).ui.filter, { status: "", text: "" });
});

Deno.test("q and ctrl-c leave, ctrl-c also in the middle of typing", () => {
  assert.equal(press(["q"]).quit, true);
  assert.equal(press(["/", "ctrl-c"]).quit, true);
  assert.deepEqual(press(["?", "q"]).quit, undefined);
});

Deno.test("keys do nothing where there is nothing", () => {
  const nothing = topData({ tasks: [], agents: null, types: null });
  for (const key of ["up", "tab", "c", "r", "s", "p", "x"]) {
    assert.deepEqual(press([key], FIRST_UI, nothing), { ui: FIRST_UI }, key);
  }
});

Deno.test("types with a limit come before those that only wait or run, each once", () => {
  const stats = {
    by_status: {},
    buckets: [],
    by_type: [
      { task_type: "a", pending: 1, running: 2 },
      { task_type: "b", pending: 0, running: 0 },
      { task_type: "c", pending: 1, running: 0 },
    ],
  };
  const limit = { pattern: "a", running: 2, max_running: 5, paused: false };
  assert.deepEqual(typesOf([limit], stats)?.map(({ pattern, waiting }) => [pattern, waiting]), [["a", null], [
    "c",
    1,
  ]]);
  assert.equal(typesOf(null, stats), null);
});
