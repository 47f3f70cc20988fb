import assert from "node:assert/strict";
import { join } from "node:path";
import { redact } from "../../log/redaction.ts";
import { capturedLog } from "../../testing/captured_log.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { tempDir } from "../../testing/temp.ts";
import { openAccessFile } from "./access_file.ts";
import { MOST_TOKENS, TokenRefusedError } from "./tokens.ts";

const DAY_MS = 86_400_000;

async function opened() {
  const dir = await tempDir();
  const clock = fakeClock();
  const path = join(dir.path, "access.sqlite");
  const file = openAccessFile(path, clock);
  return {
    ...file,
    clock,
    path,
    async [Symbol.asyncDispose]() {
      file.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a token is told once, and only its digest is kept, in a file of its owner's", async () => {
  await using access = await opened();
  const { secret, ...token } = access.tokens.create({ name: "laptop", scope: "read" });
  assert.match(secret, /^actp_[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(access.tokens.list(), [token]);
  for await (const { name } of Deno.readDir(join(access.path, ".."))) {
    const path = join(access.path, "..", name);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600, name);
    assert.ok(!(await Deno.readTextFile(path)).includes(secret.slice(5)), name);
  }
});

Deno.test("only the whole secret finds its token", async () => {
  await using access = await opened();
  const { secret } = access.tokens.create({ name: "a", scope: "operate" });
  access.tokens.create({ name: "b", scope: "read" });
  assert.deepEqual([access.tokens.find(secret)?.name, access.tokens.find(secret)?.scope], ["a", "operate"]);
  const wrong = [
    "",
    secret.slice(5),
    secret.slice(0, -1),
    `${secret}x`,
    secret.toUpperCase(),
    "x".repeat(10_000),
  ];
  for (const odd of wrong) assert.equal(access.tokens.find(odd), undefined);
});

Deno.test("every token is compared in constant time, also after one that fits", async () => {
  const source = await Deno.readTextFile(new URL("tokens.ts", import.meta.url));
  const body = source.slice(source.indexOf("find(secret: string)"), source.indexOf("stillHolds(id"));
  assert.match(
    body,
    /for \(const known of this\.#current\(\)\) if \(timingSafeEqual\(known\.digest, given\)\) found = known;/,
  );
  assert.doesNotMatch(body, /break|return found;|===\s*given|\.find\(|includes\(/);
});

Deno.test("a token ends when it expires, or at once when it is revoked by name or id", async () => {
  await using access = await opened();
  const { clock, tokens } = access;
  const expiresAt = new Date(clock.now() + DAY_MS).toISOString();
  const short = tokens.create({ name: "short", scope: "read", expiresAt });
  const byName = tokens.create({ name: "by name", scope: "read" });
  const byId = tokens.create({ name: "by id", scope: "read" });
  await clock.advance(DAY_MS - 1);
  assert.ok(tokens.find(short.secret) && tokens.stillHolds(short.id));
  await clock.advance(1);
  assert.equal(tokens.find(short.secret), undefined);
  assert.equal(tokens.stillHolds(short.id), false);
  assert.equal(tokens.revoke("by name")?.id, byName.id);
  assert.equal(tokens.revoke(byId.id)?.name, "by id");
  assert.equal(tokens.revoke("nobody"), undefined);
  for (const { secret } of [byName, byId]) assert.equal(tokens.find(secret), undefined);
});

Deno.test("what another process changes in the file counts at once", async () => {
  await using access = await opened();
  const other = openAccessFile(access.path, access.clock);
  const { secret, id } = other.tokens.create({ name: "new", scope: "read" });
  assert.equal(access.tokens.find(secret)?.id, id);
  other.tokens.revoke("new");
  assert.equal(access.tokens.find(secret), undefined);
  other.close();
});

Deno.test("the last use is noted, once a minute at the most", async () => {
  await using access = await opened();
  const { clock, tokens } = access;
  const { secret } = tokens.create({ name: "a", scope: "read" });
  const first = new Date(clock.now()).toISOString();
  tokens.find(secret);
  await clock.advance(59_999);
  tokens.find(secret);
  assert.equal(tokens.list()[0].last_used_at, first);
  await clock.advance(1);
  tokens.find(secret);
  assert.equal(tokens.list()[0].last_used_at, new Date(clock.now()).toISOString());
});

Deno.test("a taken name, a bad name, an end in the past and the hundred-and-first token are refused", async () => {
  await using access = await opened();
  const { tokens, clock } = access;
  tokens.create({ name: "a", scope: "read" });
  const refused = (name: string, expiresAt?: string) =>
    assert.throws(() => tokens.create({ name, scope: "read", expiresAt }), TokenRefusedError);
  for (const name of ["a", "", " a", "x".repeat(61), "a\nb", "ä", "../x"]) refused(name);
  refused("past", new Date(clock.now()).toISOString());
  refused("never", "someday");
  for (let i = 1; i < MOST_TOKENS; i++) tokens.create({ name: `t${i}`, scope: "read" });
  refused("one too many");
});

Deno.test("a damaged file is set aside and reported, and a new one begun", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "access.sqlite");
  await Deno.writeTextFile(
    path,
    "this is no database, whatever its name says, and long enough to be read as one",
  );
  await using log = await capturedLog();
  const file = openAccessFile(path);
  assert.deepEqual(file.tokens.list(), []);
  file.close();
  const names = Array.from(Deno.readDirSync(dir.path), ({ name }) => name);
  assert.ok(names.some((name) => name.startsWith("access.sqlite.corrupt-")), names.join());
  assert.match(log.messages().join(), /is damaged and was set aside/);
});

Deno.test("a token is redacted wherever it is written", async () => {
  await using access = await opened();
  const { secret } = access.tokens.create({ name: "a", scope: "read" });
  assert.equal(redact(`it is ${secret}.`, []), "it is [redacted].");
  assert.equal(redact("actp_list_tasks", []), "actp_list_tasks");
});
