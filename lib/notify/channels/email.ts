/** E-mail by SMTP, with nodemailer. Passwords never go over the network in the clear. */
import { isLoopback } from "../../config/schemas.ts";
import { cut } from "../bounds.ts";
import { type Channel, DeliveryError, type OutgoingNotification } from "../notification.ts";
import { body, headline } from "./wording.ts";

/** Which server, and who writes to whom. */
export interface EmailSettings {
  /** `smtps://user:password@host` or `smtp://user:password@host:587`. */
  readonly smtpUrl: string;
  readonly notifyEmailFrom: string;
  readonly notifyEmailTo: readonly string[];
}

/** What nodemailer's errors say besides their message. */
interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly message?: string;
}

const STEP_MS = 20_000;
const MAX_SUBJECT = 200;
const MAX_BODY = 200_000;

/** Makes the channel. `ca`: certificates (PEM) to trust besides the machine's. */
export function emailChannel(
  settings: EmailSettings,
  { ca }: { readonly ca?: string } = {},
): Channel & { readonly name: "email" } {
  return {
    name: "email",
    async send(batch, signal) {
      const { createTransport } = await import("nodemailer"); // only where mail is sent
      const transport = createTransport(transportOptions(settings.smtpUrl, ca));
      const stop = () => transport.close();
      signal.addEventListener("abort", stop, { once: true });
      try {
        signal.throwIfAborted();
        await transport.sendMail({
          from: { name: "actp-worker", address: settings.notifyEmailFrom },
          to: [...settings.notifyEmailTo],
          ...mail(batch),
          // A notification that is sent twice after all can be told by it.
          messageId: `<${batch[0]!.id}@actp-worker.invalid>`,
          headers: { "auto-submitted": "auto-generated" },
          disableFileAccess: true,
          disableUrlAccess: true,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw failure(error as SmtpError);
      } finally {
        signal.removeEventListener("abort", stop);
        transport.close();
      }
    },
  };
}

/** One mail for the whole batch, in plain text. Pure. */
export function mail(batch: readonly OutgoingNotification[]): { subject: string; text: string } {
  const [first] = batch;
  const heads = batch.map(headline);
  const subject = batch.length === 1 ? heads[0]! : `${batch.length} notifications: ${first!.title}, …`;
  const texts = batch.map((notification, index) => {
    const text = body(notification);
    const when = `${notification.createdAt.slice(0, 16).replace("T", " ")} UTC, ${notification.kind}`;
    return [heads[index], when, ...text === "" ? [] : ["", text]].join("\n");
  });
  return { subject: cut(subject, MAX_SUBJECT), text: cut(texts.join("\n\n---\n\n"), MAX_BODY) + "\n" };
}

/** What nodemailer is told. Pure. */
export function transportOptions(smtpUrl: string, ca?: string): Record<string, unknown> {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const secure = protocol === "smtps:";
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    host,
    port: port === "" ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && !isLoopback(host),
    ...username === ""
      ? {}
      : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } },
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    ...ca === undefined ? {} : { tls: { ca } },
  };
}

/** Answers of the 500s are final (RFC 5321, 4.2.1), and so is a refused log-in; all else may pass. */
function failure({ code, responseCode, message = "no reason given" }: SmtpError): DeliveryError {
  const final = code === "EAUTH" ||
    code === "EENVELOPE" && responseCode !== undefined && responseCode >= 500 ||
    responseCode !== undefined && responseCode >= 500;
  const fix = code === "EAUTH"
    ? " (check SMTP_URL)"
    : final
    ? " (check NOTIFY_EMAIL_FROM and NOTIFY_EMAIL_TO)"
    : "";
  const why = cut(message.replace(/\s+/g, " "), 300);
  return new DeliveryError(`the mail server did not take it: ${why}${fix}`, { retry: !final });
}
