import assert from "node:assert/strict";
import { controlGroupFiles, describeMemory, parseControlGroup, treeBytes } from "./memory.ts";

const GB = 2 ** 30;

Deno.test("the figures are told in gigabytes, and those that are not known are left out", () => {
  assert.equal(
    describeMemory({
      totalBytes: 24 * GB,
      lowestAvailableBytes: 0.21 * GB,
      limitBytes: 2 * GB,
      peakBytes: 1.94 * GB,
      oomKills: 1,
    }),
    "memory: 0.2 of 24 GB available at the least, the control group's limit 2.0 GB, the render's peak about 1.9 GB",
  );
  assert.equal(describeMemory({ oomKills: 0 }), "memory: no figures");
});

Deno.test("a tree is the program, its group and all that they started", () => {
  const table = `
    1     0     1   100
   10     1    10  1000
   11    10    10   500
   12    11    99   250
   13    12    99    50
   14     1    10    30
   20     1    20  9999
`;
  assert.equal(treeBytes(table, 10), (1000 + 500 + 250 + 50 + 30) * 1024);
  assert.equal(treeBytes("", 10), 0);
});

Deno.test("the limits of a control group of version 2 are its own and those above it", () => {
  assert.deepEqual(controlGroupFiles("0::/user.slice/actp.service\n"), [
    "/proc/vmstat",
    "/sys/fs/cgroup/user.slice/actp.service/memory.max",
    "/sys/fs/cgroup/user.slice/memory.max",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/user.slice/actp.service/memory.events",
  ]);
});

Deno.test("where version 1 counts the memory, it is asked", () => {
  assert.deepEqual(controlGroupFiles("9:name=systemd:/\n4:memory:/docker/abc\n0::/\n"), [
    "/proc/vmstat",
    "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/docker/abc/memory.oom_control",
  ]);
  assert.deepEqual(controlGroupFiles(""), ["/proc/vmstat"]);
});

Deno.test("the lowest limit counts, kills are added up, and no limit is none", () => {
  const printed = [
    "/proc/vmstat:oom_kill 3",
    "/sys/fs/cgroup/a/b/memory.max:max",
    "/sys/fs/cgroup/a/memory.max:2147483648",
    "/sys/fs/cgroup/memory.max:4294967296",
    "/sys/fs/cgroup/a/b/memory.events:oom 7",
    "/sys/fs/cgroup/a/b/memory.events:oom_kill 2",
    "garbage",
  ].join("\n");
  assert.deepEqual(parseControlGroup(printed), { oomKills: 5, limitBytes: 2 * GB });
  assert.deepEqual(parseControlGroup("/sys/fs/cgroup/memory/memory.limit_in_bytes:9223372036854771712"), {
    oomKills: 0,
  });
});
