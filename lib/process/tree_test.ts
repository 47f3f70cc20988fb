import assert from "node:assert/strict";
import { membersOf, parseProcStat, parsePs, type ProcessRow } from "./tree.ts";

const row = (pid: number, parent: number, group: number, more: Partial<ProcessRow> = {}): ProcessRow => ({
  pid,
  parent,
  group,
  session: group,
  started: `at ${pid}`,
  tagged: false,
  ...more,
});
const pids = (rows: ProcessRow[], known: [number, string][] = []) =>
  membersOf(rows, { leader: 100, known: new Map(known) }).map(({ pid }) => pid).sort();

Deno.test("a tree holds its group, its tagged processes and all their descendants", () => {
  const rows = [
    row(100, 1, 100, { tagged: true }),
    row(101, 100, 100),
    row(102, 101, 102),
    row(103, 102, 102),
    row(104, 1, 104, { tagged: true }),
    row(200, 1, 200),
  ];
  assert.deepEqual(pids(rows), [100, 101, 102, 103, 104]);
});

Deno.test("a process known from before is still ours after its parent has gone", () => {
  assert.deepEqual(pids([row(102, 1, 102), row(200, 1, 200)], [[102, "at 102"]]), [102]);
});

Deno.test("a new process with a number known from before is not ours", () => {
  assert.deepEqual(pids([row(102, 1, 102, { started: "later" })], [[102, "at 102"]]), []);
});

Deno.test("a group whose number was given to somebody else's process is not ours", () => {
  assert.deepEqual(pids([row(100, 1, 100, { started: "later" }), row(101, 100, 100)], [[100, "at 100"]]), []);
});

Deno.test("what is left of a group without its leader is ours", () => {
  assert.deepEqual(pids([row(101, 1, 100)]), [101]);
});

Deno.test("process records of Linux are read whatever the program is called, and zombies are left out", () => {
  const stat = (pid: number, name: string, state: string) =>
    `/proc/${pid}/stat:${pid} (${name}) ${state} 1 7 8 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${pid}55 1 1\n\0`;
  const text = stat(5, "a) S 99 99 (b\n", "S") + stat(6, "sh", "Z") + "garbage\0" + stat(7, "sh", "R");
  assert.deepEqual(parseProcStat(text, new Set([7])), [
    { pid: 5, parent: 1, group: 7, session: 8, started: "555", tagged: false },
    { pid: 7, parent: 1, group: 7, session: 8, started: "755", tagged: true },
  ]);
});

Deno.test("process records of macOS are read with their tag, and zombies are left out", () => {
  const text = [
    "  501     1   501 Ss   Thu Nov 20 19:11:00 2025     /usr/bin/ffmpeg -i a ACTP_PROCESS_TREE=outer,abc-1 HOME=/x",
    "  502   501   501 S+   Sat Nov  1 09:01:00 2025     sleep 5",
    "  503   501   501 Z    Sat Nov  1 09:01:00 2025     (sleep)",
    "ps: something else",
  ].join("\n");
  assert.deepEqual(parsePs(text, "abc-1"), [
    { pid: 501, parent: 1, group: 501, session: 0, started: "Thu Nov 20 19:11:00 2025", tagged: true },
    { pid: 502, parent: 501, group: 501, session: 0, started: "Sat Nov  1 09:01:00 2025", tagged: false },
  ]);
});
