/**
 * Makes the table of docs/settings.md and the file .env.example from the table of fields.
 * `deno run -P scripts/config_table.ts` writes both.
 */
import { CONFIG_FIELDS, type ConfigField, defaultOf } from "../lib/config/fields.ts";

const START = "<!-- config -->";
const END = "<!-- /config -->";
/** Stands in for the real machine, so that the output is the same everywhere. */
const EXAMPLE = { home: "~/.actp-worker", hostname: "<hostname>" };

/** The Markdown table of all configuration fields. */
export function configTable(): string {
  const rows = CONFIG_FIELDS.map((field) => {
    const shown = defaultText(field);
    return [
      field.env.map(code).join(" or ") || "–",
      field.flag ? code(field.flag) : "–",
      field.key === "home" ? "–" : code(field.key),
      shown ? code(shown) : "unset",
      field.restartNeeded ? `${field.description} Needs a restart.` : field.description,
    ];
  });
  const head = ["Variable", "Flag", "config.json", "Default", "Meaning"];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => cells[column].length)));
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column], fill)).join(" | ")} |`;
  return [line(head), line(head.map(() => ""), "-"), ...rows.map((cells) => line(cells))].join("\n");
}

/** The text of .env.example: every variable with its default, commented out. */
export function envExample(): string {
  const blocks = CONFIG_FIELDS.filter(({ env }) => env.length > 0).map((field) => {
    const [name, ...aliases] = field.env;
    const also = aliases.length > 0 ? ` Also understood: ${aliases.join(", ")}.` : "";
    return `# ${field.description}${also}\n# ${name}=${defaultText(field)}\n`;
  });
  return "# Copy to .env and uncomment what you change; real environment variables and flags win.\n\n" +
    blocks.join("\n");
}

/** The document with the table between its markers. */
export function withTable(document: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) {
    throw new Error(`The markers ${START} and ${END} are missing; put them back.`);
  }
  return `${document.slice(0, start + START.length)}\n\n${configTable()}\n\n${document.slice(end)}`;
}

function defaultText(field: ConfigField): string {
  const value = defaultOf(field, EXAMPLE);
  if (value === undefined) return "";
  return Array.isArray(value) && field.env.length > 0
    ? value.join(":")
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) {
  const page = new URL("../docs/settings.md", import.meta.url);
  await Deno.writeTextFile(page, withTable(await Deno.readTextFile(page)));
  await Deno.writeTextFile(new URL("../.env.example", import.meta.url), envExample());
}
