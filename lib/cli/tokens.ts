/** `tokens`: who may speak to the control API besides the home folder's own token. */
import { userInfo } from "node:os";
import { type Command, Option } from "commander";
import { type AccessFile, openAccessFile } from "../control/access/access_file.ts";
import { type Scope, SCOPES } from "../control/access/scopes.ts";
import { type AccessToken, TokenRefusedError } from "../control/access/tokens.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { dueTime } from "./enqueue.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table } from "./terminal.ts";

interface CreateOptions extends GlobalOptions {
  readonly scope: Scope;
  readonly expires?: string;
}

/** Adds the command group. */
export function addTokens(program: Command, context: CliContext): void {
  const tokens = program.command("tokens").description(
    "who may speak to the control API, and what each may do",
  )
    .addHelpText(
      "after",
      `
Scopes: read (look), operate (also run the worker: tasks, agents, approvals), admin (also tokens, audit, reload).
The token in the home folder is admin; a dashboard session is operate.

Examples:
  $ actp-worker tokens create laptop --scope read --expires 30d
  $ actp-worker tokens revoke laptop`,
    );
  tokens.command("create <name>")
    .description("make a token and print it, once")
    .addOption(new Option("--scope <scope>", "what it may do").choices([...SCOPES]).makeOptionMandatory())
    .option(
      "--expires <when>",
      "its end: 30d, 12h, or a time in ISO 8601; without it, it holds until it is revoked",
    )
    .action((name: string, _options, command: Command) =>
      create(context, name, command.optsWithGlobals<CreateOptions>())
    );
  tokens.command("list")
    .description("all tokens, without the secrets")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  tokens.command("revoke <name>")
    .description("end a token at once; its name or its id")
    .action((name: string, _options, command: Command) => revoke(context, name, command.optsWithGlobals()));
}

async function create(context: CliContext, name: string, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const { scope, expires } = options;
  const relative = expires !== undefined && /^\d+[smhd]$/.test(expires);
  const expiresAt = expires && dueTime(relative ? `+${expires}` : expires, Date.now(), "--expires");
  const made = await withTokens(context, options, ({ tokens, audit }) => {
    try {
      const token = tokens.create({ name, scope, expiresAt });
      const summary = `name=${name} scope=${scope} expires_at=${token.expires_at}`;
      audit.begin({ caller: person(), method: "POST", path: "/tokens", status: 201, summary });
      return token;
    } catch (error) {
      if (error instanceof TokenRefusedError) throw new ExitError(EXIT.usage, error.message);
      throw error;
    }
  });
  if (options.json) return terminal.out(JSON.stringify(made));
  terminal.out(made.secret);
  const until = made.expires_at ? `until ${made.expires_at}` : "until it is revoked";
  terminal.err(
    `${name} may ${scope}, ${until}; the token is not shown again. Send it as Authorization: Bearer.`,
  );
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const tokens = await withTokens(context, options, ({ tokens }) => tokens.list());
  if (options.json) return terminal.out(JSON.stringify(tokens));
  if (tokens.length === 0) return terminal.err("no tokens; only the home folder's own token is accepted");
  const rows = tokens.map((token) => [
    printable(token.name),
    token.scope,
    token.created_at.slice(0, 16).replace("T", " "),
    token.last_used_at?.slice(0, 16).replace("T", " ") ?? "never",
    ending(token, Date.now(), (text) => paint(terminal, "yellow", text)),
    token.id,
  ]);
  for (const line of table(["NAME", "SCOPE", "CREATED (UTC)", "LAST USED", "EXPIRES", "ID"], rows)) {
    terminal.out(line);
  }
}

function ending({ expires_at }: AccessToken, now: number, warn: (text: string) => string): string {
  if (expires_at === null) return "never";
  return Date.parse(expires_at) > now ? expires_at.slice(0, 16).replace("T", " ") : warn("expired");
}

async function revoke(context: CliContext, name: string, options: GlobalOptions): Promise<void> {
  const revoked = await withTokens(context, options, ({ tokens, audit }) => {
    const token = tokens.revoke(name);
    if (!token) return undefined;
    const path = `/tokens/${token.id}`;
    audit.begin({ caller: person(), method: "DELETE", path, status: 200, summary: `name=${token.name}` });
    return token;
  });
  if (!revoked) {
    throw new ExitError(
      EXIT.failed,
      `There is no token ${printable(name)} (see \`actp-worker tokens list\`).`,
    );
  }
  context.terminal.out(options.json ? JSON.stringify(revoked) : `${revoked.name} is revoked`);
}

/** Who it was, for the audit log. */
function person(): string {
  return `command line (${userInfo().username})`;
}

/** In the file itself: it works whether or not the worker runs, and a worker that runs heeds it at once. */
async function withTokens<T>(
  context: CliContext,
  options: GlobalOptions,
  work: (file: AccessFile) => T,
): Promise<T> {
  const { config } = await readConfig(context, options);
  await ensurePrivateDir(config.home);
  const file = openAccessFile(homePaths(config.home).access);
  try {
    return work(file);
  } finally {
    file.close();
  }
}
