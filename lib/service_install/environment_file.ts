/** The two files that carry what the installing shell had set: settings, and variables for child programs. Pure. */
import { parseEnvFile } from "../config/files.ts";

type Variables = Readonly<Record<string, string>>;

/** The command that a block of lines belongs to. */
export type BlockOwner = "init" | "install-service";

const END = "# <<<";

/**
 * The text of the settings file with these settings in a block of our own at its end; what the block held before
 * stays unless it is given anew, and a person's own lines stay as they are.
 */
export function withSettings(
  text: string,
  settings: Variables,
  writer: BlockOwner = "install-service",
): string {
  const { rest, block } = takeBlock(text, writer);
  const merged = { ...parseEnvFile(block), ...settings };
  const lines = Object.entries(merged).map(([name, value]) => `${name}=${settingValue(value)}`);
  if (lines.length === 0) return rest;
  const own = rest === "" || rest.endsWith("\n") ? rest : rest + "\n";
  return `${own}${[beginOf(writer), ...lines, END].join("\n")}\n`;
}

/** The text without our block. */
export function withoutSettings(text: string): string {
  return takeBlock(text, "install-service").rest;
}

function beginOf(writer: BlockOwner): string {
  return `# >>> written by actp-worker ${writer}; what stands here wins over the lines above`;
}

function takeBlock(text: string, writer: BlockOwner): { rest: string; block: string } {
  const first = beginOf(writer);
  const begin = text.indexOf(first);
  if (begin < 0) return { rest: text, block: "" };
  const end = text.indexOf(`\n${END}`, begin);
  const after = end < 0 ? text.length : end + END.length + 1;
  const rest = text.slice(0, begin) + text.slice(after).replace(/^\n/, "");
  return { rest, block: text.slice(begin + first.length, end < 0 ? undefined : end) };
}

/** As the program's own parser reads it: see parseEnvFile. */
function settingValue(value: string): string {
  if (/^[\w./:@,+-]*$/.test(value)) return value;
  if (!value.includes("'") && !/[\r\n]/.test(value)) return `'${value}'`;
  const escapes: Record<string, string> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return `"${value.replace(/[\\"\n\r\t]/g, (letter) => escapes[letter]!)}"`;
}

/** Variables as systemd's EnvironmentFile= reads them: systemd.exec(5). @throws Error for a NUL byte */
export function systemdEnvironment(variables: Variables): string {
  return Object.entries(variables).map(([name, value]) => {
    if (value.includes("\0")) throw new Error(`The variable ${name} contains a NUL byte; correct it`);
    return `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`;
  }).join("");
}

/** Reads back what {@link systemdEnvironment} has written; other lines are ignored. */
export function parseSystemdEnvironment(text: string): Record<string, string> {
  const lines = text.matchAll(/^([A-Za-z_]\w*)="((?:[^"\\]|\\[\s\S])*)"$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value.replace(/\\([\\"$`])/g, "$1")]));
}
