/** A reader of XML property lists for tests: strict, so that what it takes launchd takes too. */

/** What a property list may hold here. */
export type PlistValue = string | number | boolean | PlistValue[] | { [key: string]: PlistValue };

/** Reads a whole property list. @throws Error for anything but well-formed dict, array, string, integer, true, false */
export function parsePlist(text: string): PlistValue {
  const body = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<!DOCTYPE plist [^>]+>\s*/, "");
  if (body === text) throw new Error("no XML declaration and document type of a property list");
  const tokens = [...body.replace(/<!--(?:(?!--)[\s\S])*-->/g, "").matchAll(/<[^<>]+>|[^<>]+/g)].map((
    [token],
  ) => token)
    .filter((token, at, all) => token.trim() !== "" || /^<(string|key)>$/.test(all[at - 1] ?? ""));
  const next = () => {
    const token = tokens.shift();
    if (token === undefined) throw new Error("the property list ends too early");
    return token;
  };
  const expect = (wanted: string) => {
    const token = next();
    if (token.trim() !== wanted) throw new Error(`${wanted} expected, not ${token}`);
  };
  const words = (end: string): string => {
    if (tokens[0] === end) return (next(), "");
    const value = next();
    if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(value)) throw new Error(`bare & in ${value}`);
    expect(end);
    const meanings: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
    return value.replace(/&(\w+);/g, (_, name) => meanings[name]!);
  };
  const value = (): PlistValue => {
    const token = next().trim();
    if (token === "<true/>" || token === "<false/>") return token === "<true/>";
    if (token === "<string>") return words("</string>");
    if (token === "<integer>") return Number.parseInt(words("</integer>"), 10);
    if (token === "<array>") {
      const items = [];
      while (tokens[0]?.trim() !== "</array>") items.push(value());
      next();
      return items;
    }
    if (token !== "<dict>") throw new Error(`a value expected, not ${token}`);
    const dict: { [key: string]: PlistValue } = {};
    while (tokens[0]?.trim() !== "</dict>") {
      expect("<key>");
      const key = words("</key>");
      if (Object.hasOwn(dict, key)) throw new Error(`${key} comes twice`);
      dict[key] = value();
    }
    next();
    return dict;
  };
  expect(`<plist version="1.0">`);
  const root = value();
  expect("</plist>");
  if (tokens.length > 0) throw new Error(`${tokens[0]} after the end`);
  return root;
}
