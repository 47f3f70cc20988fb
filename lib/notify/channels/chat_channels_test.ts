import assert from "node:assert/strict";
import fc from "fast-check";
import { chatServices } from "../../testing/chat_services.ts";
import { outgoing } from "../../testing/notifications.ts";
import { type Channel, DeliveryError, type OutgoingNotification } from "../notification.ts";
import { discordChannel } from "./discord.ts";
import { slackChannel } from "./slack.ts";
import { telegramChannel, telegramMessages } from "./telegram.ts";
import { pieces } from "./wording.ts";

const signal = new AbortController().signal;
const HOSTILE = `<b>&amp; <!channel> @everyone *bold* _x_ [a](http://b) \`code\` </b> & <script>`;
const LONG = Array.from({ length: 400 }, (_, n) => `line ${n} with some words 🎬 in it & <more>`).join("\n");

async function fails(sending: Promise<void>): Promise<DeliveryError> {
  const error = await sending.then(() => undefined, (error) => error);
  assert.ok(error instanceof DeliveryError, String(error));
  return error;
}

/** The channels, each against its service. */
function channelsOf(services: ReturnType<typeof chatServices>): Channel[] {
  return [
    telegramChannel(services.telegram),
    slackChannel(services.slack),
    discordChannel(services.discord),
  ];
}

Deno.test("each service takes a notification, a batch in one message, and a hostile text as it is", async () => {
  await using services = chatServices();
  for (const channel of channelsOf(services)) {
    await channel.send([outgoing()], signal);
    await channel.send([
      outgoing(),
      outgoing({ severity: "alert", title: "Other" }),
      outgoing({ repeats: 3 }),
    ], signal);
    await channel.send([outgoing({ title: HOSTILE, text: `${HOSTILE}!` })], signal);
  }
  assert.equal(services.asked.length, 9);
  assert.equal(services.telegramTexts[0], "ℹ️ Found 2 new tasks\nrender: 2");
  assert.match(services.telegramTexts[1]!, /Found 2[^]*🚨 Other[^]*\(and 3 more like it\)/);
  assert.equal(services.telegramTexts[2], `ℹ️ ${HOSTILE}\n${HOSTILE}!`);
});

Deno.test("a text that is longer than a message is cut within the service's limits, and nothing is lost", async () => {
  await using services = chatServices();
  for (const channel of channelsOf(services)) await channel.send([outgoing({ text: LONG })], signal);
  assert.ok(services.telegramTexts.length >= 4);
  const seen = services.telegramTexts.join("\n").split("\n").slice(1);
  assert.deepEqual(seen, LONG.split("\n"));
  const slack = services.asked.flatMap(({ body }) =>
    (body as { blocks?: { text: { text: string } }[] }).blocks ?? []
  );
  assert.deepEqual(slack.slice(1).flatMap(({ text }) => text.text.split("\n")), LONG.split("\n"));
});

Deno.test("a hundred notifications go out in few messages", async () => {
  await using services = chatServices();
  const batch = Array.from({ length: 100 }, (_, n) => outgoing({ title: `Notification ${n}` }));
  const counts: number[] = [];
  for (const channel of channelsOf(services)) {
    const before = services.asked.length;
    await channel.send(batch, signal);
    counts.push(services.asked.length - before);
  }
  assert.deepEqual(counts, [1, 4, 10]);
});

Deno.test("when a later message fails, the earlier ones count as delivered", async () => {
  await using services = chatServices((_asked, nth) =>
    nth === 3 ? new Response("down", { status: 503, headers: { "retry-after": "7" } }) : undefined
  );
  const batch = Array.from({ length: 30 }, (_, n) => outgoing({ title: `Notification ${n}` }));
  const error = await fails(discordChannel(services.discord).send(batch, signal));
  assert.deepEqual([error.retry, error.retryAfterMs, error.delivered], [true, 7000, 20]);
});

Deno.test("each service's own way to ask for patience is understood", async () => {
  const answers = [
    Response.json({ ok: false, description: "Too Many Requests", parameters: { retry_after: 13 } }, {
      status: 429,
    }),
    new Response("rate_limited", { status: 429, headers: { "retry-after": "30" } }),
    Response.json({ message: "You are being rate limited.", retry_after: 0.75, global: false }, {
      status: 429,
    }),
  ];
  await using services = chatServices((_asked, nth) => answers[nth - 1]);
  const waits: unknown[] = [];
  for (const channel of channelsOf(services)) {
    const { retry, retryAfterMs } = await fails(channel.send([outgoing()], signal));
    waits.push([retry, retryAfterMs]);
  }
  assert.deepEqual(waits, [[true, 13_000], [true, 30_000], [true, 750]]);
});

Deno.test("a refusal that trying again cannot mend is final, and names the setting", async () => {
  await using services = chatServices();
  const wrongChat = telegramChannel({ ...services.telegram, telegramChat: "7" });
  const wrongToken = telegramChannel({ ...services.telegram, telegramToken: "1:wrong" });
  const gone = slackChannel({ slackWebhookUrl: `${services.url}/services/gone` });
  const errors = [
    await fails(wrongChat.send([outgoing()], signal)),
    await fails(wrongToken.send([outgoing()], signal)),
    await fails(gone.send([outgoing()], signal)),
  ];
  assert.deepEqual(errors.map(({ retry }) => retry), [false, false, false]);
  assert.deepEqual(errors.map(({ message }) => message), [
    "Telegram answered 400: Bad Request: chat not found (check TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID)",
    "Telegram answered 401: Unauthorized (check TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID)",
    "Slack answered 404: no_service (check SLACK_WEBHOOK_URL)",
  ]);
});

Deno.test("a redirect is not followed: the secret address stays with its service", async () => {
  await using services = chatServices(() =>
    new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } })
  );
  assert.match(
    (await fails(slackChannel(services.slack).send([outgoing()], signal))).message,
    /answered 302/,
  );
});

Deno.test("no error of a service that cannot be reached names its token or secret address", async () => {
  const token = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456";
  const nobody = "http://127.0.0.1:1";
  const errors = [
    await fails(
      telegramChannel({ telegramToken: token, telegramChat: "1", telegramApiUrl: nobody }).send(
        [outgoing()],
        signal,
      ),
    ),
    await fails(
      slackChannel({ slackWebhookUrl: `${nobody}/services/T0/B0/hidden` }).send([outgoing()], signal),
    ),
    await fails(
      discordChannel({ discordWebhookUrl: `${nobody}/api/webhooks/4/hidden` }).send([outgoing()], signal),
    ),
  ];
  for (const { message, retry } of errors) {
    assert.match(message, /^cannot reach /);
    assert.ok(!message.includes("hidden") && !message.includes(token), message);
    assert.equal(retry, true);
  }
});

Deno.test("cutting loses nothing but blanks at the cuts, keeps the limit, and halves no character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.integer({ min: 8, max: 60 }),
      (text, max) => {
        const cut = pieces(text, max);
        for (const piece of cut) {
          assert.ok(
            piece.length <= max && piece.isWellFormed(),
            JSON.stringify(piece),
          );
        }
        const solid = (text: string) => text.replace(/\s+/g, "");
        assert.equal(solid(cut.join("")), solid(text));
      },
    ),
  );
});

Deno.test("every notification ends with exactly one of Telegram's messages", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 15_000 }), { maxLength: 12 });
  fc.assert(fc.property(lengths, (sizes) => {
    const batch: OutgoingNotification[] = sizes.map((size) => outgoing({ text: "x".repeat(size) }));
    const parcels = telegramMessages(batch, "1");
    assert.equal(parcels.reduce((sum, { ends }) => sum + ends, 0), batch.length);
  }));
});
