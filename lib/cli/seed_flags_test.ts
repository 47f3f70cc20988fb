import assert from "node:assert/strict";
import { withCommand } from "./seed_flags.ts";

Deno.test("the first version's flags mean what they meant", () => {
  assert.deepEqual(withCommand(["--list-agents", "--json"]), ["agents", "list", "--json"]);
  assert.deepEqual(withCommand(["--restart-agent", "content-agent"]), [
    "agents",
    "request-restart",
    "content-agent",
  ]);
  assert.deepEqual(withCommand(["--json", "--restart-agent=a"]), [
    "agents",
    "request-restart",
    "a",
    "--json",
  ]);
  assert.deepEqual(withCommand(["--dry-run"]), ["start", "--dry-run"]);
  assert.deepEqual(withCommand(["--agents", "content,revenue"]), [
    "start",
    "--foreground",
    "--agents",
    "content,revenue",
  ]);
  assert.deepEqual(withCommand(["--home", "/h", "--agents=social", "--dry-run"]), [
    "start",
    "--home",
    "/h",
    "--agents=social",
    "--dry-run",
  ]);
});

Deno.test("a command line with a command stays as it is", () => {
  for (
    const args of [
      ["start", "--agents", "social", "--dry-run"],
      ["--home", "/h", "agents", "list"],
      ["--help"],
      ["--dry-run", "--help"],
      ["--version"],
      [],
      ["tasks", "list"],
    ]
  ) assert.deepEqual(withCommand(args), args);
});

Deno.test("a restart without a name is left to the command to complain about", () => {
  assert.deepEqual(withCommand(["--restart-agent"]), ["agents", "request-restart"]);
});
