import assert from "node:assert/strict";
import { findProgram } from "../../process.ts";
import { makeCertificate } from "../../testing/certificate.ts";
import { outgoing } from "../../testing/notifications.ts";
import { type SmtpOptions, type SmtpServer, smtpServer } from "../../testing/smtp_server.ts";
import { DeliveryError } from "../notification.ts";
import { emailChannel, mail, transportOptions } from "./email.ts";

const signal = new AbortController().signal;
const PEOPLE = {
  notifyEmailFrom: "worker@example.com",
  notifyEmailTo: ["ann@example.com", "bob@example.com"],
};

function channelTo(server: SmtpServer, login = "", scheme = "smtp", ca?: string) {
  return emailChannel({ smtpUrl: `${scheme}://${login}127.0.0.1:${server.port}`, ...PEOPLE }, { ca });
}

async function failure(options: SmtpOptions, login = ""): Promise<DeliveryError> {
  await using server = smtpServer(options);
  const error = await channelTo(server, login).send([outgoing()], signal).catch((error) => error);
  assert.ok(error instanceof DeliveryError, String(error));
  return error;
}

Deno.test("a batch is one mail in plain text to everybody", async () => {
  await using server = smtpServer();
  await channelTo(server).send(
    [outgoing({ text: ".begins with a dot" }), outgoing({ title: "Žluťoučký" })],
    signal,
  );
  assert.equal(server.mails.length, 1);
  const [{ from, to, data }] = server.mails;
  assert.deepEqual([from, to], [PEOPLE.notifyEmailFrom, PEOPLE.notifyEmailTo]);
  assert.match(data, /^Auto-Submitted: auto-generated$/im);
  assert.match(data, /^Message-ID: <0c5b5a3e-[^>]+@actp-worker\.invalid>$/im);
  assert.match(data, /^Content-Type: text\/plain; charset=utf-8$/im);
});

Deno.test("line ends in a title cannot become headers", async () => {
  await using server = smtpServer();
  await channelTo(server).send([outgoing({ title: "one\r\nBcc: eve@example.com" })], signal);
  assert.deepEqual(server.mails[0]!.to, PEOPLE.notifyEmailTo);
  assert.doesNotMatch(server.mails[0]!.data.split("\n\n")[0]!, /^Bcc:/m);
});

Deno.test("it logs in where the address says so", async () => {
  const login = { user: "me@example.com", password: "p/w d" };
  await using server = smtpServer({ login });
  await channelTo(server, `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`).send(
    [outgoing()],
    signal,
  );
  assert.equal(server.mails.length, 1);
});

Deno.test("a wrong password and an unknown reader are final, a busy server is not", async () => {
  const badLogin = await failure({ login: { user: "me", password: "right" } }, "me:wrong-one@");
  assert.equal(badLogin.retry, false);
  assert.match(badLogin.message, /credentials invalid.*\(check SMTP_URL\)/i);
  assert.ok(!badLogin.message.includes("wrong-one"));
  const unknown = await failure({ answers: { RCPT: "550 no such reader" } });
  assert.deepEqual([unknown.retry, /check NOTIFY_EMAIL_FROM/.test(unknown.message)], [false, true]);
  assert.equal((await failure({ answers: { MAIL: "451 busy" } })).retry, true);
});

Deno.test("nobody listening is tried again", async () => {
  const channel = emailChannel({ smtpUrl: "smtp://127.0.0.1:1", ...PEOPLE });
  const error = await channel.send([outgoing()], signal).catch((error) => error);
  assert.equal(error.retry, true);
});

Deno.test({
  name: "smtps speaks TLS from the beginning, and only to a server whose certificate is good",
  ignore: await findProgram("openssl") === undefined,
  async fn() {
    const { cert, key } = await makeCertificate("IP:127.0.0.1");
    await using server = smtpServer({ tls: { cert, key } });
    const refused = await channelTo(server, "", "smtps").send([outgoing()], signal).catch((error) => error);
    assert.ok(refused instanceof DeliveryError, String(refused));
    await channelTo(server, "", "smtps", cert).send([outgoing()], signal);
    assert.equal(server.mails.length, 1);
  },
});

Deno.test("elsewhere than on this machine nothing is said before TLS", () => {
  const options = (url: string) => {
    const { host, port, secure, requireTLS } = transportOptions(url);
    return [host, port, secure, requireTLS];
  };
  assert.deepEqual(options("smtp://mail.example.com"), ["mail.example.com", 587, false, true]);
  assert.deepEqual(options("smtps://mail.example.com"), ["mail.example.com", 465, true, false]);
  assert.deepEqual(options("smtp://[::1]:2525"), ["::1", 2525, false, false]);
});

Deno.test("a server without STARTTLS gets neither password nor mail", async () => {
  await using server = smtpServer({ login: { user: "me", password: "pw-secret" } });
  const { createTransport } = await import("nodemailer");
  const demanding = { ...transportOptions(`smtp://me:pw-secret@127.0.0.1:${server.port}`), requireTLS: true };
  const transport = createTransport(demanding);
  await assert.rejects(transport.sendMail({ from: "a@b.c", to: "d@e.f", text: "x" }));
  transport.close();
  assert.ok(!server.commands.includes("AUTH") && !server.commands.includes("MAIL"), server.commands.join());
});

Deno.test("one notification is its own subject, several are counted", () => {
  assert.equal(mail([outgoing()]).subject, "ℹ️ Found 2 new tasks");
  assert.equal(mail([outgoing(), outgoing()]).subject, "2 notifications: Found 2 new tasks, …");
});
