/** How notifications read as text, and how long texts are cut into messages. Pure. */
import type { OutgoingNotification } from "../notification.ts";

const MARKS = { info: "ℹ️", warning: "⚠️", alert: "🚨" } as const;

/** The title as people see it first, with a mark for its severity and how often it came again. */
export function headline({ severity, title, repeats }: OutgoingNotification): string {
  return `${MARKS[severity]} ${title}${repeats > 0 ? ` (and ${repeats} more like it)` : ""}`;
}

/** The text, unless the title says it already. */
export function body({ title, text }: OutgoingNotification): string {
  return text === title ? "" : text;
}

/**
 * Pieces of at most `max` UTF-16 units, cut at line ends if that leaves them at least half full, else at blanks, else
 * between characters. Nothing is lost but the blanks at the cuts.
 */
export function pieces(text: string, max: number): string[] {
  const found: string[] = [];
  let rest = text;
  while (rest.length > max) {
    const at = cutAt(rest, max);
    found.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).replace(/^[ \n]+/, "");
  }
  if (rest !== "" || found.length === 0) found.push(rest);
  return found.filter((piece, index) => piece !== "" || index === 0);
}

function cutAt(text: string, max: number): number {
  for (const mark of ["\n", " "]) {
    const at = text.lastIndexOf(mark, max);
    if (at >= max / 2) return at;
  }
  return /[\ud800-\udbff]/.test(text[max - 1]!) && max > 1 ? max - 1 : max;
}
