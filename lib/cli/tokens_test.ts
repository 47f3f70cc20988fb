import assert from "node:assert/strict";
import { inProcess } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";

Deno.test("tokens are made, listed and revoked without a worker, and the audit log tells of it", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path };
  const made = await inProcess(["tokens", "create", "laptop", "--scope", "read", "--expires", "30d"], env);
  assert.match(made.stdout, /^actp_[\w-]{43}$/);
  assert.match(made.stderr, /^laptop may read, until \d{4}-/);
  const listed = await inProcess(["tokens", "list"], env);
  assert.match(listed.stdout, /laptop +read +\d{4}-\S+ \S+ +never +\d{4}-/);
  assert.ok(!listed.stdout.includes(made.stdout.slice(5)));
  const revoked = await inProcess(["tokens", "revoke", "laptop", "--json"], env);
  assert.equal(JSON.parse(revoked.stdout).name, "laptop");
  const told = (await inProcess(["audit", "--since", "1h", "--json"], env)).stdout.split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(told.map(({ method, path, status }) => [method, path.slice(0, 7), status]), [
    ["POST", "/tokens", 201],
    ["DELETE", "/tokens", 200],
  ]);
  assert.match(told[0].caller, /^command line \(.+\)$/);
});

Deno.test("a token that cannot be made says why", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path };
  const cases: [string[], number, RegExp][] = [
    [["create", "a"], 2, /--scope/],
    [["create", "a", "--scope", "root"], 2, /read, operate, admin/],
    [["create", "a", "--scope", "read", "--expires", "soon"], 2, /--expires "soon" is neither/],
    [["create", "a b/c", "--scope", "read"], 2, /name is 1 to 60 letters/],
    [["revoke", "nobody"], 1, /There is no token nobody/],
  ];
  for (const [args, code, words] of cases) {
    const result = await inProcess(["tokens", ...args], env);
    assert.equal(result.code, code, args.join(" "));
    assert.match(result.stderr, words);
  }
  assert.match((await inProcess(["tokens", "list"], env)).stderr, /only the home folder's own token/);
  assert.equal((await inProcess(["audit", "--limit", "0"], env)).code, 2);
});
