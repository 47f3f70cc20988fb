/** Long texts in several messages. Pure. */

/** Cuts text into parts of at most `max` UTF-16 units: between paragraphs, lines or words where that can be. */
export function messageParts(text: string, max: number): string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > max) {
    const head = rest.slice(0, max);
    const at = ["\n\n", "\n", " "].map((mark) => head.lastIndexOf(mark)).find((index) => index > max / 2);
    const whole = at ?? (isLeadingSurrogate(head.charCodeAt(max - 1)) ? max - 1 : max);
    parts.push(rest.slice(0, whole).trimEnd());
    rest = rest.slice(whole).trimStart();
  }
  return rest === "" ? parts : [...parts, rest];
}

function isLeadingSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
