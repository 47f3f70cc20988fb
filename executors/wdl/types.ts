/** WDL types, as far as files are concerned. Pure. */

/** `Array[File]+?` is `{name: "Array", arguments: [{name: "File", …}], optional: true}`. */
export interface WdlType {
  /** A primitive, Array, Map, Pair, Object, or the name of a struct. */
  readonly name: string;
  readonly arguments: readonly WdlType[];
  readonly optional: boolean;
}

/** A struct's members by name. */
export type Struct = ReadonlyMap<string, WdlType>;

/** As it is written in WDL, but without `+`. */
export function typeText({ name, arguments: inner, optional }: WdlType): string {
  const of = inner.length === 0 ? "" : `[${inner.map(typeText).join(", ")}]`;
  return `${name}${of}${optional ? "?" : ""}`;
}

/** Whether values of the type name files or folders. An Object may hold anything: it counts as holding none. */
export function holdsFiles(
  type: WdlType,
  structs: ReadonlyMap<string, Struct>,
  seen: readonly string[] = [],
): boolean {
  if (type.name === "File" || type.name === "Directory") return true;
  if (type.arguments.some((inner) => holdsFiles(inner, structs, seen))) return true;
  const members = structs.get(type.name);
  if (!members || seen.includes(type.name)) return false;
  return [...members.values()].some((member) => holdsFiles(member, structs, [...seen, type.name]));
}

/** What is done with one file's or folder's name; `path` says where in the value it stands. */
export type FileVisitor = (
  name: string,
  kind: "File" | "Directory",
  path: readonly string[],
) => Promise<string>;

/** A value that does not have its type's shape. */
export class WdlValueError extends Error {
  override readonly name = "WdlValueError";
}

/**
 * The value with every file name in it replaced. Everything else is left as it is: the runner checks it.
 * @throws {@link WdlValueError} where a value that should hold files has another shape
 */
export async function mapFiles(
  value: unknown,
  type: WdlType,
  structs: ReadonlyMap<string, Struct>,
  visit: FileVisitor,
  path: readonly string[] = [],
): Promise<unknown> {
  if (!holdsFiles(type, structs)) return value;
  if (value === null || value === undefined) return value;
  const inner = (item: unknown, itsType: WdlType, step: string) =>
    mapFiles(item, itsType, structs, visit, [...path, step]);
  const wrong = (wanted: string) =>
    new WdlValueError(`${path.join(".")} must be ${wanted} (${typeText(type)})`);
  const [first, second] = type.arguments;
  switch (type.name) {
    case "File":
    case "Directory":
      if (typeof value !== "string" || value === "") throw wrong("a path");
      return await visit(value, type.name, path);
    case "Array": {
      if (!Array.isArray(value)) throw wrong("a list");
      const items: unknown[] = [];
      for (const [i, item] of value.entries()) items.push(await inner(item, first, `${i}`));
      return items;
    }
    case "Pair": {
      if (Array.isArray(value) && value.length === 2) {
        return [await inner(value[0], first, "left"), await inner(value[1], second, "right")];
      }
      if (!isObject(value) || !("left" in value)) throw wrong("a pair {left, right}");
      return {
        left: await inner(value.left, first, "left"),
        right: await inner(value.right, second, "right"),
      };
    }
    case "Map": {
      if (!isObject(value)) throw wrong("an object");
      const entries: [string, unknown][] = [];
      for (const [i, [key, item]] of Object.entries(value).entries()) {
        entries.push([await inner(key, first, `key${i}`) as string, await inner(item, second, key)]);
      }
      return Object.fromEntries(entries);
    }
    default: {
      if (!isObject(value)) throw wrong("an object");
      const members = structs.get(type.name)!;
      const entries: [string, unknown][] = [];
      for (const [name, item] of Object.entries(value)) {
        const member = members.get(name);
        entries.push([name, member ? await inner(item, member, name) : item]);
      }
      return Object.fromEntries(entries);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
