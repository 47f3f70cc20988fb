import assert from "node:assert/strict";
import { controlBench } from "../../testing/control_api.ts";

Deno.test("tokens are made, listed, used and revoked over the API", async () => {
  await using bench = await controlBench();
  const headers = { authorization: `Bearer ${bench.homeToken}` };
  const expires_at = new Date(bench.clock.now() + 60_000).toISOString();
  const made = await bench.fetch("/tokens", {
    method: "POST",
    headers,
    body: JSON.stringify({ name: "laptop", scope: "read", expires_at }),
  });
  assert.equal(made.status, 201);
  const { secret, ...token } = await made.json();
  assert.deepEqual(token, {
    id: token.id,
    name: "laptop",
    scope: "read",
    created_at: token.created_at,
    last_used_at: null,
    expires_at,
  });
  assert.equal(
    (await (await bench.fetch("/status", { headers: { authorization: `Bearer ${secret}` } })).json()).status,
    "online",
  );
  const listed = await (await bench.fetch("/tokens", { headers })).json();
  assert.equal(listed.next_cursor, null);
  assert.equal(listed.tokens[0].last_used_at, new Date(bench.clock.now()).toISOString());
  assert.ok(!JSON.stringify(listed).includes(secret.slice(5)));
  const revoked = await bench.fetch(`/tokens/${token.id}`, { method: "DELETE", headers });
  assert.equal((await revoked.json()).name, "laptop");
  for (
    const [path, init, status] of [
      ["/status", { headers: { authorization: `Bearer ${secret}` } }, 401],
      [`/tokens/${token.id}`, { method: "DELETE", headers }, 404],
    ] as const
  ) {
    const response = await bench.fetch(path, init);
    await response.body?.cancel();
    assert.equal(response.status, status, path);
  }
});

Deno.test("a token that is asked for wrongly is refused with the field's name", async () => {
  await using bench = await controlBench();
  const ask = async (body: unknown) => {
    const response = await bench.fetch("/tokens", {
      method: "POST",
      headers: { authorization: `Bearer ${bench.homeToken}` },
      body: JSON.stringify(body),
    });
    const { error } = await response.json();
    return [response.status, error?.code, error?.message];
  };
  assert.deepEqual(await ask({ name: "a", scope: "root" }), [
    400,
    "bad_request",
    "scope: must be one of read, operate, admin",
  ]);
  for (
    const odd of [{}, [], { name: "", scope: "read" }, { name: "a", scope: "read", expires_at: "soon" }, {
      name: "a",
      scope: "read",
      more: 1,
    }]
  ) {
    assert.equal((await ask(odd))[0], 400, JSON.stringify(odd));
  }
  const past = new Date(bench.clock.now() - 1).toISOString();
  assert.equal((await ask({ name: "a", scope: "read", expires_at: past }))[0], 409);
  await ask({ name: "a", scope: "read" });
  assert.equal((await ask({ name: "a", scope: "read" }))[1], "conflict");
});
