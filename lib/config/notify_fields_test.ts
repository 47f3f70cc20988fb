import assert from "node:assert/strict";
import { secretsOf } from "../config.ts";
import type { Config } from "./fields.ts";
import { NOTIFY_FIELDS } from "./notify_fields.ts";

type Field = keyof typeof NOTIFY_FIELDS;

const takes = (field: Field, value: unknown) => NOTIFY_FIELDS[field].schema.safeParse(value).success;

Deno.test("addresses that are secrets themselves go over TLS, except on this machine", () => {
  for (const field of ["slackWebhookUrl", "discordWebhookUrl"] as const) {
    assert.equal(takes(field, "https://hooks.example/services/a?thread_id=1"), true);
    assert.equal(takes(field, "http://127.0.0.1:9000/a"), true);
    for (
      const bad of [
        "http://hooks.example/a",
        "https://me:pw@hooks.example/a",
        "ftp://hooks.example",
        "nonsense",
      ]
    ) {
      assert.equal(takes(field, bad), false, bad);
    }
  }
  assert.equal(takes("notifyWebhookUrl", "http://nas.local/hook?x=1"), true, "the owner's own network");
});

Deno.test("mail servers, readers, hours and zones are checked at the start", () => {
  assert.deepEqual(
    ["smtps://me:pw@mail.example", "smtp://127.0.0.1:2525"].map((url) => takes("smtpUrl", url)),
    [
      true,
      true,
    ],
  );
  assert.deepEqual(["https://mail.example", "smtp:"].map((url) => takes("smtpUrl", url)), [false, false]);
  assert.deepEqual(NOTIFY_FIELDS.notifyEmailTo.schema.parse("a@b.example, c@d.example"), [
    "a@b.example",
    "c@d.example",
  ]);
  assert.equal(takes("notifyEmailTo", "a@b.example,nobody"), false);
  assert.equal(takes("notifyEmailFrom", "me@b.example\r\nBcc: x@y.example"), false);
  assert.deepEqual(["22:00-07:00", "22-7"].map((hours) => takes("notifyQuietHours", hours)), [true, false]);
  assert.deepEqual(["Europe/Berlin", "Mars/Olympus"].map((zone) => takes("notifyTimeZone", zone)), [
    true,
    false,
  ]);
});

Deno.test("rules and heartbeat actions name what they do not know", () => {
  const problem = (field: Field, value: unknown) =>
    NOTIFY_FIELDS[field].schema.safeParse(value).error?.issues.map(({ message }) => message).join("; ") ?? "";
  assert.match(problem("notifyRules", [{ channels: ["pigeon"] }]), /must be one of log, telegram/);
  assert.match(problem("notifyRules", [{ channels: [], minSeverty: "info" }]), /minSeverty/);
  assert.match(problem("notifyRules", [{ channels: [], quietHours: "late" }]), /hours like 22:00-07:00/);
  assert.match(
    problem("heartbeat", { actions: [{ name: "a" }, { name: "a" }] }),
    /must name each action once/,
  );
  assert.match(problem("heartbeat", { actions: [{ name: "A b" }] }), /lower-case/);
});

Deno.test("the heartbeat settings of the first design are understood", () => {
  const settings = {
    enabled: true,
    actions: [
      {
        name: "task-scan",
        schedule: "*/5 * * * *",
        config: { minReward: 100000000, capabilities: ["render"] },
      },
      { name: "daily-summary", schedule: "0 9 * * *" },
      { name: "portfolio-monitor", schedule: "0 * * * *" },
    ],
  };
  assert.equal(takes("heartbeat", settings), true);
});

Deno.test("what grants access is a secret", () => {
  const secrets = secretsOf({
    commands: [],
    slackWebhookUrl: "https://hooks.example/services/hidden",
    smtpUrl: "smtps://me:p%2Fw-long@mail.example",
    notifyWebhookSecret: "whsec_0123456789abcdef",
  } as unknown as Config);
  for (const secret of ["https://hooks.example/services/hidden", "p/w-long", "whsec_0123456789abcdef"]) {
    assert.ok(secrets.includes(secret), secret);
  }
});
