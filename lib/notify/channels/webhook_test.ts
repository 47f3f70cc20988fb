import assert from "node:assert/strict";
import { scriptedServer } from "../../testing/scripted_server.ts";
import { outgoing } from "../../testing/notifications.ts";
import { DeliveryError } from "../notification.ts";
import { signature, webhookChannel } from "./webhook.ts";

const signal = new AbortController().signal;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

Deno.test("the signature is that of the specification's own example", () => {
  assert.equal(
    signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
});

Deno.test("each notification is posted, signed, with an id that stays and the time of its sending", async () => {
  await using server = scriptedServer(() => new Response(null, { status: 204 }));
  const settings = {
    notifyWebhookUrl: `${server.url}/hook?key=1`,
    notifyWebhookSecret: SECRET,
    notifyAllowPrivateUrls: true,
  };
  const channel = webhookChannel(settings, { now: () => 1_777_000_000_500 });
  await channel.send([outgoing({ data: { count: 2 } }), outgoing({ id: "two", repeats: 1 })], signal);
  const [first, second] = server.asked;
  assert.deepEqual([first!.method, first!.path], ["POST", "/hook?key=1"]);
  assert.deepEqual(first!.body, {
    type: "heartbeat.task-scan",
    timestamp: "2026-05-01T09:00:00.000Z",
    data: {
      id: outgoing().id,
      severity: "info",
      title: "Found 2 new tasks",
      text: "render: 2",
      repeats: 0,
      details: { count: 2 },
    },
  });
  assert.equal(first!.headers.get("webhook-id"), outgoing().id);
  assert.equal(first!.headers.get("webhook-timestamp"), "1777000000");
  const expected = signature(SECRET, outgoing().id, 1_777_000_000, JSON.stringify(first!.body));
  assert.equal(first!.headers.get("webhook-signature"), expected);
  assert.equal(second!.headers.get("webhook-id"), "two");
});

Deno.test("a private address is refused for good unless it is allowed, and a name that leads to one too", async () => {
  await using server = scriptedServer(() => new Response());
  const settings = { notifyWebhookSecret: SECRET, notifyAllowPrivateUrls: false };
  const refused = async (notifyWebhookUrl: string) => {
    const channel = webhookChannel({ ...settings, notifyWebhookUrl }, {
      resolve: () => Promise.resolve(["169.254.169.254"]),
    });
    const error = await channel.send([outgoing()], signal).catch((error) => error);
    assert.ok(error instanceof DeliveryError);
    assert.equal(
      error.message,
      "the webhook is at a private address; set NOTIFY_ALLOW_PRIVATE_URLS=true to allow that",
    );
    assert.equal(error.retry, false);
  };
  await refused(server.url);
  await refused("https://metadata.example/hook");
  assert.equal(server.asked.length, 0);
});

Deno.test("what may pass is tried again, what may not is final, and neither names the address", async () => {
  const statuses = [503, 429, 410, 301];
  await using server = scriptedServer((_asked, nth) => new Response(null, { status: statuses[nth - 1] }));
  const channel = webhookChannel({
    notifyWebhookUrl: `${server.url}/hidden`,
    notifyWebhookSecret: SECRET,
    notifyAllowPrivateUrls: true,
  });
  const seen: unknown[] = [];
  for (const _ of statuses) {
    const error: DeliveryError = await channel.send([outgoing()], signal).catch((error) => error);
    seen.push([error.message, error.retry]);
  }
  assert.deepEqual(seen, [
    ["the webhook answered 503", true],
    ["the webhook answered 429", true],
    ["the webhook answered 410 (check NOTIFY_WEBHOOK_URL)", false],
    ["the webhook answered 301 (check NOTIFY_WEBHOOK_URL)", false],
  ]);
});

Deno.test("of a batch, what was sent before a failure counts", async () => {
  await using server = scriptedServer((_asked, nth) => new Response(null, { status: nth === 2 ? 500 : 200 }));
  const channel = webhookChannel({
    notifyWebhookUrl: server.url,
    notifyWebhookSecret: SECRET,
    notifyAllowPrivateUrls: true,
  });
  const error = await channel.send([outgoing(), outgoing(), outgoing()], signal).catch((error) => error);
  assert.deepEqual([error.delivered, server.asked.length], [1, 2]);
});
