/** The real program under a real systemd, in a sandbox of its own: see lib/testing/systemd_checks.ts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSelfExtracting } from "../../scripts/self_extracting.ts";
import { findProgram, needs } from "../testing/requirements.ts";

interface Checked {
  readonly name: string;
  readonly error?: string;
  readonly ms: number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CHECKS = join(ROOT, "lib/testing/systemd_checks.ts");

/**
 * Hides what an installation writes to behind folders of the sandbox's own; a journal; then the checks.
 * What sets up temporary files at a start of the machine would empty /tmp and fill the rest.
 */
const SETUP = `set -e
ln -s /dev/null /run/systemd/system/systemd-tmpfiles-setup.service
systemctl daemon-reload
mount -t tmpfs tmpfs /mnt
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
mkdir -p ~/.local ~/.cache/actp-worker
for folder in /var/lib /var/cache /usr/local/lib ~/.local ~/.cache/actp-worker; do mount -t tmpfs tmpfs "$folder"; done
setsid /lib/systemd/systemd-journald &
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -S /run/systemd/journal/stdout ] && break; sleep 0.1; done
exec "$@"`;

Deno.test({
  name: "an installed service under a real systemd",
  ...await needs("systemd-sandbox"),
  async fn(t) {
    // Everything that the sandbox needs lies here: it hides /tmp and /var/lib.
    const folder = await Deno.makeTempDir({
      dir: join(Deno.env.get("HOME")!, ".cache"),
      prefix: "actp-test-",
    });
    try {
      const program = join(folder, "actp-worker");
      await buildSelfExtracting(ROOT, program);
      const changed = join(folder, "changed");
      await Deno.writeFile(changed, otherVersion(await Deno.readFile(program)), { mode: 0o755 });
      // Side by side, since they mostly wait; each in a sandbox of its own.
      const [persons, machines] = await Promise.all([
        runChecks(folder, ["user", program, changed]),
        runChecks(folder, ["system", program, changed]),
      ]);
      for (const { name, error, ms } of [...persons.results, ...machines.results]) {
        await t.step(`${name} (${ms} ms)`, () => assert.equal(error, undefined));
      }
      for (const { code, stderr } of [persons, machines]) assert.equal(code, 0, stderr.slice(-2000));
      assert.deepEqual([persons.results.length, machines.results.length], [14, 5]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function runChecks(folder: string, args: readonly string[]) {
  const deno = [Deno.execPath(), "run", "-q", "-A", "--no-config", "--no-lock", CHECKS];
  const { code, stdout, stderr } = await new Deno.Command((await findProgram("systemd-sandbox"))!, {
    args: ["--timeout", "580", "--", "sh", "-c", SETUP, "setup", ...deno, ...args],
    cwd: folder,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  const lines = text.decode(stdout).split("\n").filter((line) => line.startsWith("{"));
  return { code, stderr: text.decode(stderr), results: lines.map((line): Checked => JSON.parse(line)) };
}

/** The same program with a blank for one line break in the padding behind its script: another file to an upgrade. */
function otherVersion(program: Uint8Array): Uint8Array {
  const other = program.slice();
  assert.equal(other[4094], 0x0a);
  other[4094] = 0x20;
  return other;
}
