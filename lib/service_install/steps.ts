/** The changes of an installation, as data: shown by --dry-run, done one after the other otherwise. */
import { dirname } from "node:path";
import { fileSum } from "../release/sums.ts";

/** Who a file shall belong to; nobody else unless told. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** One change to a file. */
export type Step =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number; readonly owner?: Owner }
  | { readonly kind: "copy"; readonly from: string; readonly to: string; readonly mode: number }
  | {
    readonly kind: "write";
    readonly path: string;
    readonly text: string;
    readonly mode: number;
    readonly owner?: Owner;
  }
  | { readonly kind: "remove"; readonly path: string };

/** The step for people, in one line; never a file's text, which may hold secrets. */
export function stepText(step: Step): string {
  if (step.kind === "copy") return `copy ${step.from} to ${step.to}`;
  if (step.kind === "remove") return `remove ${step.path}`;
  const mode = step.mode.toString(8).padStart(4, "0");
  return `${step.kind === "folder" ? "make the folder" : "write"} ${step.path} (${mode})`;
}

/** Does the step where it is needed. @returns whether it changed anything */
export async function doStep(step: Step): Promise<boolean> {
  try {
    return await STEPS[step.kind](step as never);
  } catch (error) {
    throw new Error(`Cannot ${stepText(step)}: ${(error as Error).message}`, { cause: error });
  }
}

type StepOf<K extends Step["kind"]> = Extract<Step, { kind: K }>;

const STEPS = {
  async folder({ path, mode, owner }: StepOf<"folder">): Promise<boolean> {
    const before = await statOf(path);
    if (before && (before.mode! & 0o777) === mode && (!owner || before.uid === owner.uid)) return false;
    await Deno.mkdir(path, { recursive: true, mode });
    await Deno.chmod(path, mode);
    if (owner) await Deno.chown(path, owner.uid, owner.gid);
    return true;
  },

  /** A running program cannot be written to, so the new one takes its name. */
  async copy({ from, to, mode }: StepOf<"copy">): Promise<boolean> {
    if (await sameContent(from, to)) return false;
    await Deno.mkdir(dirname(to), { recursive: true, mode: 0o755 });
    await replace(to, async (draft) => {
      await Deno.copyFile(from, draft);
      await Deno.chmod(draft, mode);
    });
    return true;
  },

  async write({ path, text, mode, owner }: StepOf<"write">): Promise<boolean> {
    const before = await statOf(path);
    const same = before && (before.mode! & 0o777) === mode && (!owner || before.uid === owner.uid) &&
      await Deno.readTextFile(path) === text;
    if (same) return false;
    await Deno.mkdir(dirname(path), { recursive: true });
    await replace(path, async (draft) => {
      await Deno.writeTextFile(draft, text, { mode, createNew: true });
      await Deno.chmod(draft, mode); // whatever the umask is
      if (owner) await Deno.chown(draft, owner.uid, owner.gid);
    });
    return true;
  },

  async remove({ path }: StepOf<"remove">): Promise<boolean> {
    try {
      await Deno.remove(path, { recursive: true });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  },
};

/** The file is whole at every moment. */
async function replace(path: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await write(draft);
    await Deno.rename(draft, path);
  } catch (error) {
    await Deno.remove(draft).catch(() => {}); // may never have been made; the error tells why
    throw error;
  }
}

async function sameContent(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([Deno.stat(a), statOf(b)]);
  if (other === undefined || one.size !== other.size) return false;
  if (one.ino !== null && one.ino === other.ino && one.dev === other.dev) return true;
  const [sumA, sumB] = await Promise.all([fileSum(a), fileSum(b)]);
  return sumA === sumB;
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
