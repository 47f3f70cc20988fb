/** The checks of files, service, sleep and keys, repairs, and the report. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { loadConfig } from "../config.ts";
import type { Caller } from "../service_install/command.ts";
import type { ServiceManager } from "../service_install/manager.ts";
import { inProcess } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";
import { bundleText, lastLogLines } from "./bundle.ts";
import { examine, repairAll } from "./check.ts";
import { secretFilesCheck } from "./files.ts";
import { judgeStripe, keyChecks } from "./keys.ts";
import { judgeService, serviceChecks } from "./service.ts";
import { judgeLogind, judgePmset, sleepCheck } from "./sleep.ts";

const KEY = "sk-ant-key-of-a-test";

Deno.test("a settings file that others can read is a failure, and --fix closes it", async () => {
  await using home = await tempDir();
  const file = join(home.path, ".env");
  await Deno.writeTextFile(file, "A=1\n");
  await Deno.chmod(file, 0o644);
  const check = secretFilesCheck(home.path);
  const findings = await examine([check], systemClock);
  assert.deepEqual([findings[0]!.status, findings[0]!.fix], ["fail", `chmod 600 ${file}`]);
  assert.deepEqual(await repairAll(findings), { repaired: ["settings files"], failed: [] });
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  assert.equal((await check.run()).status, "ok");
});

Deno.test("config.json alone is a warning, since its own reading tells what secrets it holds", async () => {
  await using home = await tempDir();
  await Deno.writeTextFile(join(home.path, "config.json"), "{}");
  await Deno.chmod(join(home.path, "config.json"), 0o644);
  assert.equal((await secretFilesCheck(home.path).run()).status, "warn");
});

Deno.test("a repair that fails is told, and the others go on", async () => {
  const repaired: string[] = [];
  const finding = (name: string, repair: () => Promise<void>) =>
    ({ name, status: "fail", detail: "", repair }) as const;
  const result = await repairAll([
    finding("a", () => Promise.reject(new Error("not yours"))),
    finding("b", () => Promise.resolve(void repaired.push("b"))),
  ]);
  assert.deepEqual(result, { repaired: ["b"], failed: ["a: not yours"] });
});

Deno.test("the service's state: down, not enabled, gone with the session, often restarted, or fine", () => {
  const up = { installed: true, enabled: true, running: true, detail: "active (running)" };
  const stays = { lingers: true, fix: "loginctl enable-linger ann" };
  const judge = (state: Partial<typeof up> & { restarts?: number }, linger = stays) =>
    judgeService({ ...up, ...state }, linger, "journalctl -u x").status;
  assert.equal(judge({}), "ok");
  assert.equal(judge({ running: false }), "fail");
  assert.equal(judge({ enabled: false }), "warn");
  assert.equal(judge({ restarts: 2 }), "warn");
  assert.equal(judge({}, { ...stays, lingers: false }), "warn");
});

Deno.test("programs that the shell finds and the service does not are named", async () => {
  const manager = { logCommand: { program: "x", args: [] } } as unknown as ServiceManager;
  const found = (path: string) => ({ manager, installed: { home: "/h", path }, user: "ann" });
  const check = (path: string) => serviceChecks(found(path), ["sh", "no-such-program"])[1]!.run();
  assert.equal((await check("/usr/bin:/bin")).status, "ok");
  const lost = await check("/nowhere");
  assert.equal(lost.status, "fail");
  assert.match(lost.detail, /does not find sh \(/);
  assert.doesNotMatch(lost.detail, /no-such-program/);
});

Deno.test("a machine that goes to sleep by itself is a warning, by pmset and by logind", () => {
  assert.equal(
    judgePmset([" standby  1", " sleep                10 (sleep prevented by powerd)"]).status,
    "warn",
  );
  assert.equal(judgePmset([" displaysleep 5", " sleep                0"]).status, "ok");
  assert.equal(judgeLogind(["#IdleAction=suspend", "[Login]"]).status, "ok");
  assert.equal(judgeLogind(["IdleAction=ignore", "IdleAction=suspend"]).status, "warn");
});

Deno.test("where nothing tells of sleep, that is no failure", async () => {
  const call: Caller = () => Promise.reject(new Error("no such program"));
  assert.match((await sleepCheck("linux", call).run()).detail, /not known/);
});

Deno.test("the Anthropic key is tried, and a refusal, an outage and a missing key are told apart", async () => {
  let status = 200;
  const seen: (string | null)[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    seen.push(request.headers.get("x-api-key"), new URL(request.url).pathname);
    return new Response("{}", { status });
  });
  const anthropicUrl = `http://127.0.0.1:${server.addr.port}`;
  const config = { anthropicKey: KEY, anthropicUrl } as Parameters<typeof keyChecks>[0];
  const judge = async () => (await keyChecks(config, true)[0]!.run()).status;
  assert.equal(await judge(), "ok");
  assert.deepEqual(seen, [KEY, "/v1/models"]);
  status = 401;
  assert.equal(await judge(), "fail");
  status = 529;
  assert.equal(await judge(), "warn");
  const [missing] = keyChecks({ ...config, anthropicKey: undefined }, true);
  assert.match((await missing!.run()).detail, /an agent is enabled/);
  assert.deepEqual(keyChecks({ ...config, anthropicKey: undefined }, false), []);
});

Deno.test("settings that are of use together only are missed", async () => {
  const config = { telegramToken: "t" } as Parameters<typeof keyChecks>[0];
  assert.match((await keyChecks(config, false)[0]!.run()).detail, /TELEGRAM_CHAT_ID missing/);
  assert.equal(judgeStripe("sk_live_x").status, "warn");
  assert.equal(judgeStripe("rk_live_x").status, "ok");
  assert.equal(judgeStripe("pk_live_x").status, "fail");
});

Deno.test("the report holds findings, settings and the log's end, and no secret", async () => {
  await using home = await tempDir();
  const logs = join(home.path, "logs");
  await Deno.mkdir(logs);
  const lines = Array.from({ length: 400 }, (_, at) => `line ${at} with ${KEY}`);
  await Deno.writeTextFile(join(logs, "worker.log"), lines.join("\n") + "\n");
  const log = await lastLogLines(home.path);
  assert.equal(log.length, 300);
  const loaded = await loadConfig({ env: { ACTP_HOME: home.path, ANTHROPIC_API_KEY: KEY }, cwd: "/" });
  const findings = [{ name: "x", status: "fail", detail: `refused ${KEY} and token-1234` }] as const;
  const text = bundleText({ loaded, findings, machine: {}, now: 0, log, secrets: ["token-1234"] });
  assert.ok(!text.includes(KEY) && !text.includes("token-1234"));
  const report = JSON.parse(text);
  assert.equal(report.findings[0].name, "x");
  assert.match(report.log.at(-1), /^line 399 with/);
  assert.ok(report.configuration.some(({ key }: { key: string }) => key === "maxConcurrent"));
});

Deno.test("doctor --bundle writes a private file and never over another, even where the configuration is bad", async () => {
  await using home = await tempDir();
  const file = join(home.path, "report.json");
  const env = {
    ACTP_HOME: home.path,
    HOME: home.path,
    TASK_POLL_INTERVAL_SECONDS: "often",
    PATH: "/usr/bin:/bin",
  };
  const first = await inProcess(["doctor", "--bundle", file], env);
  assert.equal(first.code, 4, first.stderr);
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  assert.match(JSON.parse(await Deno.readTextFile(file)).findings[0].detail, /taskPollSeconds/);
  const second = await inProcess(["doctor", "--bundle", file], env);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /it is there already; name another file/);
});

Deno.test("doctor --fix repairs, says so, and looks again", async () => {
  await using home = await tempDir();
  await Deno.chmod(home.path, 0o755);
  const env = { ACTP_HOME: home.path, HOME: home.path, PATH: "/usr/bin:/bin", WORKER_MIN_FREE_BYTES: "0" };
  const { stdout, stderr } = await inProcess(["doctor", "--fix", "--json"], env);
  assert.match(stderr, /repaired: home folder/);
  const finding = JSON.parse(stdout).find(({ name }: { name: string }) => name === "home folder");
  assert.equal(finding.status, "ok");
  assert.equal((await Deno.stat(home.path)).mode! & 0o777, 0o700);
});
