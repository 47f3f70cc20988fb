import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "../testing/temp.ts";
import { permissionFlags, type Runtime, runtimeFlags, selfCommand } from "./self.ts";

const SOURCE: Runtime = {
  standalone: false,
  execPath: "/opt/deno",
  mainModule: "file:///elsewhere/some_test.ts",
  moduleUrl: "file:///project%20one/lib/daemon/self.ts",
};
const BUNDLE = { ...SOURCE, mainModule: "file:///cache/main.js", moduleUrl: "file:///cache/chunk-A.js" };
const RUN = ["run", "-q", ...runtimeFlags()];

Deno.test("permissions become flags: granted ones in full, lists as lists, refused ones not at all", () => {
  const permissions = { read: true, net: ["a:1", "b"], ffi: false, env: [] };
  assert.deepEqual(permissionFlags(permissions), ["--allow-read", "--allow-net=a:1,b"]);
  assert.throws(() => permissionFlags({ run: { allow: ["x"] } }), /permissions\.default\.run must be/);
});

Deno.test("the project's own flags name every permission and never allow everything", () => {
  assert.ok(permissionFlags().includes("--allow-read"));
  assert.ok(runtimeFlags().includes("--no-prompt"));
  assert.ok(!runtimeFlags().some((flag) => flag === "-A" || flag === "--allow-all"));
});

Deno.test("a compiled program runs itself", () => {
  const runtime = { ...SOURCE, standalone: true, execPath: "/usr/local/bin/actp-worker" };
  const command = selfCommand(["status", "--json"], { runtime });
  assert.deepEqual(command, { program: "/usr/local/bin/actp-worker", args: ["status", "--json"] });
});

Deno.test("from source, the project's main.ts is run even when something else is the main module", () => {
  const { program, args } = selfCommand(["status"], { runtime: SOURCE });
  assert.equal(program, "/opt/deno");
  assert.deepEqual(args, [
    ...RUN,
    "--config",
    "/project one/deno.json",
    "/project one/main.ts",
    "status",
  ]);
});

Deno.test("from source, another main module can be asked for", () => {
  const { args } = selfCommand([], { runtime: SOURCE, main: "/project/other.ts" });
  assert.equal(args.at(-1), "/project/other.ts");
});

Deno.test("a bundle runs its own main module, away from any configuration file", () => {
  const { args } = selfCommand(["x"], { runtime: BUNDLE });
  assert.deepEqual(args, [...RUN, "--no-config", "--no-lock", "/cache/main.js", "x"]);
});

Deno.test("a bundle that came out of a self-extracting file runs that file", () => {
  const command = selfCommand(["x"], { runtime: { ...BUNDLE, selfExtracting: "/opt/actp-worker" } });
  assert.deepEqual(command, { program: "/opt/actp-worker", args: ["x"] });
});

Deno.test("the command really runs, with the program's permissions, imports and arguments", async () => {
  await using dir = await tempDir();
  const main = join(dir.path, "main.ts");
  const migrations = new URL("../database/migrations.ts", import.meta.url).href;
  await Deno.writeTextFile(
    main,
    `import { MIGRATIONS } from ${JSON.stringify(migrations)};
     import { z } from "zod";
     const read = Deno.permissions.querySync({ name: "read" }).state;
     const ffi = Deno.permissions.querySync({ name: "ffi" }).state;
     console.log(JSON.stringify([Deno.args, read, ffi, MIGRATIONS.length > 0, typeof z.string]));`,
  );
  const { program, args } = selfCommand(["a b", "--json"], { main });
  const output = await new Deno.Command(program, { args, stdin: "null" }).output();
  assert.equal(new TextDecoder().decode(output.stderr), "");
  const said = JSON.parse(new TextDecoder().decode(output.stdout));
  assert.deepEqual(said, [["a b", "--json"], "granted", "prompt", true, "function"]);
  assert.ok(args.includes(fileURLToPath(new URL("../../deno.json", import.meta.url))));
});
