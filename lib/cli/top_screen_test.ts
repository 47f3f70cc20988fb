import assert from "node:assert/strict";
import { topAgent, topData, topTask } from "../testing/top.ts";
import { topScreen } from "./top_screen.ts";
import { width } from "./top_text.ts";
import { FIRST_UI } from "./top_ui.ts";

const STREAM = { columns: 120, rows: undefined, color: false };
const SMALL = { columns: 60, rows: 12, color: false };

Deno.test("the screen tells how the worker is, what runs, and what may be done about it", () => {
  assert.deepEqual(topScreen(topData(), FIRST_UI, STREAM), [
    "healthy  studio  up 2.0 h  v1.2.3  the embedded database",
    "1 of 3 running, 14 waiting; last hour 400 succeeded, 8 failed, 95 % within 14.0 s",
    "",
    "TASKS",
    "  running     countdown            …aaaaaa    1/3   30.0 s  [##########----------] 52 %  28 s left  encoding",
    "",
    "AGENTS",
    "  running     content-agent            2.0 h             $1.50 of $2.00",
    "",
    "QUEUES",
    "  running     workflow",
    "  paused      safari_*             0 running, 4 waiting, at most 1  logged out",
  ]);
});

Deno.test("a worker that is not well says why and what to do, and an act that waits is named", () => {
  const { status } = topData();
  const overall_reasons = [{
    code: "low_disk",
    severity: "critical",
    message: "the disk is full",
    fix: "free some space",
  }] as const;
  const lines = topScreen(
    topData({
      status: { ...status, overall: "critical", overall_reasons },
      approvals: [{ id: "1", summary: "Post it" }, { id: "2", summary: "Send it" }],
    }),
    FIRST_UI,
    STREAM,
  );
  assert.match(lines[0]!, /^critical /);
  assert.equal(lines[1], "! the disk is full  free some space");
  assert.match(lines[3]!, /waits for you: Post it and 1 more/);
});

Deno.test("a worker that does not offer a part is shown without it", () => {
  const text = topScreen(
    topData({ agents: null, queues: null, types: null, stats: null, approvals: null }),
    FIRST_UI,
    STREAM,
  )
    .join("\n");
  assert.doesNotMatch(text, /AGENTS|QUEUES/);
  assert.match(text, /1 of 3 running, 5 done and 1 failed in all/);
});

Deno.test("no line is wider than the screen, and there are as many as it is high", () => {
  const tasks = Array.from(
    { length: 30 },
    (_, i) => topTask(String(i), { progress: { percent: 1, message: "很长的消息 ".repeat(20) } }),
  );
  const lines = topScreen(topData({ tasks }), FIRST_UI, SMALL);
  assert.equal(lines.length, SMALL.rows);
  for (const line of lines) assert.ok(width(line) <= SMALL.columns, line);
});

Deno.test("what is chosen is on the screen, however far down it is", () => {
  const tasks = Array.from({ length: 30 }, (_, i) => topTask(String(i)));
  const chosen = `task ${tasks[25]!.id}`;
  const lines = topScreen(topData({ tasks }), { ...FIRST_UI, chosen }, SMALL);
  assert.match(lines.find((line) => line.startsWith(">"))!, /…000025/);
});

Deno.test("the last line has the keys, the question, what is typed, or what was done", () => {
  const last = (ui: Partial<typeof FIRST_UI>) => topScreen(topData(), { ...FIRST_UI, ...ui }, SMALL).at(-1);
  assert.match(last({})!, /^↑↓ choose/);
  assert.equal(last({ typing: "ren" }), "search: ren▏");
  assert.equal(last({ asked: { told: "", path: "", body: {}, question: "Cancel it?" } }), "Cancel it? y/n");
  assert.equal(last({ notice: "it is paused" }), "it is paused");
  assert.match(
    topScreen(topData(), { ...FIRST_UI, help: true }, { ...SMALL, rows: 40 }).join("\n"),
    /any key goes back/,
  );
});

Deno.test("without colour there is no escape sequence, and what others wrote brings none in", () => {
  const tasks = [
    topTask("1", { status: "failed", error: "\x1b[2Jgone\nnew", completed_at: "2026-11-29T12:00:00Z" }),
  ];
  const data = topData({ tasks, agents: [topAgent("a", { reason: "\x1b]0;title\x07" })] });
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(topScreen(data, FIRST_UI, STREAM).join(""), /[\x00-\x1f]/);
  // deno-lint-ignore no-control-regex
  assert.match(topScreen(data, FIRST_UI, { ...STREAM, color: true }).join(""), /\x1b\[31mfailed/);
});

Deno.test("where nothing is, the next command is told, or how to see all again", () => {
  const empty = topData({ tasks: [] });
  assert.match(topScreen(empty, FIRST_UI, STREAM).join("\n"), /actp-worker enqueue TYPE/);
  const filtered = { ...FIRST_UI, filter: { status: "failed,timed_out", text: "x" } };
  assert.match(
    topScreen(empty, filtered, STREAM).join("\n"),
    /TASKS {2}failed {2}matching "x"\n {2}no task matches/,
  );
});
