/** Text in columns of a terminal's width. Pure. */
import { paint, printable, type Terminal } from "./terminal.ts";

type Color = Parameters<typeof paint>[1];

/** A piece of a line in one colour. */
export interface Cell {
  readonly text: string;
  readonly color?: Color;
}

/** Characters that take two columns; marks that stand on the one before take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NONE = /\p{M}|\u200d|\ufe0f/u;

/** How many columns a text takes. */
export function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += NONE.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return columns;
}

/** At most so many columns of it, with … where something is left out. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (width(text) <= columns) return text;
  let kept = "";
  let taken = 0;
  for (const char of text) {
    taken += width(char);
    if (taken > columns - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Exactly so many columns of it. */
export function fill(text: string, columns: number, side: "left" | "right" = "left"): string {
  const kept = cut(text, columns);
  const space = " ".repeat(Math.max(0, columns - width(kept)));
  return side === "left" ? kept + space : space + kept;
}

/** A line of at most so many columns, in colours where they are wanted. Control characters never reach the terminal. */
export function line(cells: readonly Cell[], columns: number, terminal: Pick<Terminal, "color">): string {
  let left = columns;
  let text = "";
  for (const cell of cells) {
    const kept = cut(printable(cell.text), left);
    left -= width(kept);
    text += cell.color && kept.trim() ? paint(terminal, cell.color, kept) : kept;
    if (left <= 0) break;
  }
  return text.trimEnd();
}
