import assert from "node:assert/strict";
import { linuxVersion, type Machine, macVersion, readMachine, systemInfo } from "./system_info.ts";

const MACHINE: Machine = { os: "macOS 15.3", arch: "aarch64", cpuCores: 12, memoryGb: 36, hasSafari: true };
const here = (type: string) => ({
  executor: { type },
  availability: { available: true, version: "1" } as const,
});
const gone = (type: string) => ({
  executor: { type },
  availability: { available: false, reason: "it is off", fix: "turn it on" } as const,
});

Deno.test("the name and version of a Mac's system are read from its own file", () => {
  const plist = `<dict><key>ProductBuildVersion</key><string>24D60</string>
    <key>ProductVersion</key>\n\t<string>15.3</string></dict>`;
  assert.equal(macVersion(plist), "macOS 15.3");
  assert.equal(macVersion("<dict/>"), undefined);
});

Deno.test("the name and version of a Linux are read from os-release, quoted or not", () => {
  assert.equal(
    linuxVersion(`NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n`),
    "Debian GNU/Linux 12 (bookworm)",
  );
  assert.equal(linuxVersion("NAME=Alpine\nVERSION_ID=3.21.0\n"), "Alpine 3.21.0");
  assert.equal(linuxVersion("NAME='Arch Linux'"), "Arch Linux");
  assert.equal(linuxVersion(""), undefined);
});

Deno.test("this machine tells something of everything", async () => {
  const machine = await readMachine();
  assert.match(machine.os, /\w+/);
  assert.ok(machine.cpuCores >= 1 && machine.memoryGb >= 1);
  assert.equal(typeof machine.hasSafari, "boolean");
});

Deno.test("what is told follows from what the executors' checks said", () => {
  const info = systemInfo(MACHINE, [here("remotion_render"), gone("blotato_upload")], {
    remotionProjectDir: "/home/me/Remotion",
  });
  assert.deepEqual(info, {
    os: "macOS 15.3",
    arch: "aarch64",
    cpu_cores: 12,
    memory_gb: 36,
    has_safari: true,
    has_remotion: true,
    has_blotato: false,
    remotion_project_dir: "/home/me/Remotion",
    executors: {
      remotion_render: { available: true, version: "1" },
      blotato_upload: { available: false, reason: "it is off", fix: "turn it on" },
    },
  });
});

Deno.test("a remote render service does not make a machine one that has Remotion", () => {
  const info = systemInfo(MACHINE, [here("remotion_render"), here("blotato_upload")], {});
  assert.deepEqual([info.has_remotion, info.has_blotato, info.remotion_project_dir], [false, true, null]);
});
