import assert from "node:assert/strict";
import { tempDir } from "../testing/temp.ts";
import { loadConfig } from "../config.ts";
import { logsToFiles, rotationPolicy } from "./daemon_log.ts";
import { journalArguments, journalUnit, rememberLogSource } from "./log_source.ts";
import type { ServiceUnit } from "./service_unit.ts";

const UNIT: ServiceUnit = { manager: "systemd", name: "actp-worker.service", ofUser: true, journal: true };
const LAUNCHD: ServiceUnit = { manager: "launchd", name: "x", ofUser: true, journal: false };

Deno.test("the log goes to files where asked, and by itself only under launchd", () => {
  assert.equal(logsToFiles({ logTo: "file" }, undefined), true);
  assert.equal(logsToFiles({ logTo: "auto" }, undefined), false);
  assert.equal(logsToFiles({ logTo: "auto" }, UNIT), false);
  assert.equal(logsToFiles({ logTo: "auto" }, LAUNCHD), true);
  assert.equal(logsToFiles({ logTo: "stderr" }, LAUNCHD), false);
});

Deno.test("the bounds of the files come from the configuration", async () => {
  await using dir = await tempDir();
  const env = {
    ACTP_HOME: dir.path,
    WORKER_LOG_MAX_BYTES: "5000",
    WORKER_LOG_TOTAL_BYTES: "20000",
    WORKER_LOG_KEEP_DAYS: "1",
  };
  const { config } = await loadConfig({ flags: {}, env, cwd: dir.path });
  const day = 86_400_000;
  assert.deepEqual(rotationPolicy(config), { maxBytes: 5000, totalBytes: 20000, maxAgeMs: day, keepMs: day });
});

Deno.test("journalctl is asked for one unit's own lines, of the right manager", () => {
  const common = ["--quiet", "--no-pager", "--output=cat", "--unit=actp-worker.service"];
  assert.deepEqual(journalArguments(UNIT, {}), ["--user", ...common]);
  assert.deepEqual(journalArguments({ ...UNIT, ofUser: false }, { last: 5, since: 1500, pid: 7 }), [
    ...common,
    "--since=@1",
    "--lines=5",
    "_PID=7",
  ]);
  assert.deepEqual(journalArguments(UNIT, { follow: true }).slice(-2), ["--no-tail", "--follow"]);
});

Deno.test("it is remembered where the last run has logged, also after its end", async () => {
  await using dir = await tempDir();
  assert.equal(await journalUnit(dir.path), undefined);
  await rememberLogSource(dir.path, UNIT);
  assert.deepEqual(await journalUnit(dir.path), UNIT);
  await rememberLogSource(dir.path, undefined);
  assert.equal(await journalUnit(dir.path), undefined);
});
