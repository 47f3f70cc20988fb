/** A mail server (RFC 5321) on loopback that takes one mail after another and keeps them. */

/** One mail as it came. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body, with single line ends. */
  readonly data: string;
}

/** How it differs from one that takes everything. */
export interface SmtpOptions {
  /** Speaks TLS from the beginning. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Only whoever logs in so may send. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Answers with this in place of the usual, by command, e.g. `{ RCPT: "550 unknown" }`. */
  readonly answers?: Readonly<Record<string, string>>;
}

/** `await using server = smtpServer();` */
export interface SmtpServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** What clients have said, one command after another, without data and passwords. */
  readonly commands: readonly string[];
}

/** Starts it. */
export function smtpServer(options: SmtpOptions = {}): SmtpServer {
  const mails: Mail[] = [];
  const commands: string[] = [];
  const listening = { hostname: "127.0.0.1", port: 0 };
  const listener = options.tls ? Deno.listenTls({ ...listening, ...options.tls }) : Deno.listen(listening);
  const open = new Set<Deno.Conn>();
  const sessions: Promise<void>[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      sessions.push(
        session(connection, options, mails, commands).catch(() => {}).finally(() => {
          if (open.delete(connection)) connection.close();
        }),
      );
    }
  })().catch(() => {}); // a client that refuses the certificate ends the handshake
  return {
    port: (listener.addr as Deno.NetAddr).port,
    mails,
    commands,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      open.clear();
      await Promise.all([serving, ...sessions]);
    },
  };
}

async function session(
  connection: Deno.Conn,
  { login, answers = {} }: SmtpOptions,
  mails: Mail[],
  commands: string[],
): Promise<void> {
  const writer = (text: string) => connection.write(new TextEncoder().encode(`${text}\r\n`));
  const lines = linesOf(connection);
  const read = async () => (await lines.next()).value as string | undefined;
  let loggedIn = login === undefined;
  let from: string | undefined;
  let to: string[] = [];
  await writer("220 stand-in ESMTP");
  for (let line = await read(); line !== undefined; line = await read()) {
    const verb = line.split(" ")[0]!.toUpperCase();
    commands.push(verb);
    if (answers[verb]) await writer(answers[verb]);
    else if (verb === "EHLO") {
      await writer(login ? "250-stand-in\r\n250 AUTH PLAIN" : "250 stand-in");
    } else if (verb === "AUTH") {
      const [, user, password] = atob(line.split(" ")[2] ?? "").split("\0");
      loggedIn = user === login?.user && password === login?.password;
      await writer(loggedIn ? "235 welcome" : "535 5.7.8 Authentication credentials invalid");
    } else if (verb === "MAIL" && loggedIn) {
      from = /<([^>]*)>/.exec(line)?.[1];
      to = [];
      await writer("250 fine");
    } else if (verb === "RCPT" && from !== undefined) {
      to.push(/<([^>]*)>/.exec(line)![1]!);
      await writer("250 fine");
    } else if (verb === "DATA" && to.length > 0) {
      await writer("354 go on");
      const data: string[] = [];
      for (let text = await read(); text !== undefined && text !== "."; text = await read()) {
        data.push(text.replace(/^\.\./, "."));
      }
      mails.push({ from: from!, to, data: data.join("\n") });
      from = undefined;
      await writer("250 taken");
    } else if (verb === "QUIT") {
      await writer("221 bye");
      return;
    } else await writer("503 bad sequence of commands");
  }
}

async function* linesOf(connection: Deno.Conn): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16_384);
  let rest = "";
  for (let length = await connection.read(buffer); length !== null; length = await connection.read(buffer)) {
    const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\r\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
