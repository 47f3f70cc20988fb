/** What systemd and the daemon tell each other: a real systemd, the program from source. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { findProgram, needs } from "../testing/requirements.ts";
import { selfCommand } from "./self.ts";

/** Short times in place of the minute of the real templates, so that the test need not wait for it. */
const UNIT = (command: string, home: string) =>
  `[Service]
Type=notify
NotifyAccess=main
WatchdogSec=6
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=78
TimeoutAbortSec=2
KillMode=mixed
StandardError=append:${home}/stderr
ExecStart=${command}
ExecReload=/bin/kill -HUP $MAINPID
Environment=HOME=${home} ACTP_HOME=${home} WORKER_HEALTH_PORT=0 WORKER_PROBE_PORT=0 PATH=/usr/bin:/bin
`;

/** Tells one line for every check, `ok NAME MILLISECONDS` or `failed NAME`. */
const CHECKS = `
unit=actp-worker-test.service
show() { systemctl show -P "$1" $unit; }
pid() { show MainPID; }
now() { date +%s%3N; }
check() {
  name=$1; limit=$2; shift 2; began=$(now)
  while ! "$@"; do
    if [ $(( $(now) - began )) -gt "$limit" ]; then
      echo "failed $name"; show ActiveState; show StatusText; show NRestarts; tail -n 20 "$FOLDER/stderr"; exit 1
    fi
    sleep 0.1
  done
  echo "ok $name $(( $(now) - began ))"
}
is_active_and() { [ "$(show ActiveState)" = active ] && "$@"; }
another_runs() { [ "$(pid)" != "$old" ] && [ "$(pid)" != 0 ]; }
status_tells() { show StatusText | grep -q "$1"; }
reloaded() { grep -q '"applied: logLevel' "$FOLDER/stderr" && [ "$(show ActiveState)" = active ]; }

cp "$FOLDER/unit" /etc/systemd/system/$unit
systemctl daemon-reload
systemctl start $unit && echo "ok started 0" || { echo "failed started"; tail -n 20 "$FOLDER/stderr"; exit 1; }
check status-told 10000 status_tells "online: 0 of 3 tasks"
check pid-file-names-unit 1000 grep -q '"name": "actp-worker-test.service"' "$FOLDER/worker.pid"
# Longer than the watchdog's time: it lives because it says so.
old=$(pid); sleep 8
check fed-watchdog 0 test "$(pid) $(show NRestarts)" = "$old 0"
echo '{"logLevel":"debug"}' > "$FOLDER/config.json"
systemctl reload $unit
check reloaded 10000 reloaded
kill -KILL $old
check another-after-kill 10000 another_runs
check back-after-kill 40000 is_active_and another_runs
old=$(pid); kill -STOP $old
check back-after-hang 60000 is_active_and another_runs
grep -q '"count": 2' "$FOLDER/last_crash.json" && echo "ok crashes-recorded 0" || echo "failed crashes-recorded"
began=$(now); systemctl stop $unit; took=$(( $(now) - began ))
[ $took -lt 5000 ] && echo "ok stopped $took" || echo "failed stopped"
[ "$(show Result)" = success ] && echo "ok goodbye 0" || echo "failed goodbye"
[ -e "$FOLDER/worker.pid" ] && echo "failed nothing-left" || echo "ok nothing-left 0"
echo '{"nonsense":1}' > "$FOLDER/config.json"
systemctl start $unit 2>/dev/null
sleep 3
[ "$(show ActiveState) $(show NRestarts) $(show ExecMainStatus)" = "failed 0 78" ] && echo "ok bad-configuration-is-final 0" || echo "failed bad-configuration-is-final"
`;

const EXPECTED = [
  "started",
  "status-told",
  "pid-file-names-unit",
  "fed-watchdog",
  "reloaded",
  "another-after-kill",
  "back-after-kill",
  "back-after-hang",
  "crashes-recorded",
  "stopped",
  "goodbye",
  "nothing-left",
  "bad-configuration-is-final",
];

Deno.test({
  name: "systemd hears that the daemon is up, lives, reloads and stops, and starts it again when it does not",
  ...await needs("systemd-sandbox"),
  async fn() {
    // The sandbox hides /tmp.
    const folder = await Deno.makeTempDir({
      dir: join(Deno.env.get("HOME")!, ".cache"),
      prefix: "actp-test-",
    });
    try {
      const { program, args } = selfCommand(["start", "--foreground"]);
      const env = ["DENO_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
        const value = Deno.env.get(name) ??
          (name === "DENO_DIR" ? join(Deno.env.get("HOME")!, ".cache/deno") : undefined);
        return value ? [`Environment=${name}=${value}\n`] : [];
      });
      await placeEmbedded(join(folder, "db"));
      await Deno.writeTextFile(
        join(folder, "unit"),
        UNIT([program, ...args].join(" "), folder) + env.join(""),
      );
      const { code, stdout, stderr } = await new Deno.Command((await findProgram("systemd-sandbox"))!, {
        args: ["--timeout", "280", "--", "env", `FOLDER=${folder}`, "bash", "-c", CHECKS],
        cwd: folder,
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      const passed = text.split("\n").filter((line) => line.startsWith("ok ")).map((line) =>
        line.split(" ")[1]
      );
      assert.deepEqual(passed, EXPECTED, text + new TextDecoder().decode(stderr).slice(-2000));
      assert.equal(code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
