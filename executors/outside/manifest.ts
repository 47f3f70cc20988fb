/** `executor.json`: what a folder with a program of the owner's own says about it. */
import { join } from "node:path";
import { z } from "zod";
import { checkedManifest, readManifestText } from "./manifest_file.ts";
import { inputSchema } from "./input_schema.ts";

/** The version of the protocol that this worker speaks with programs; see protocol.ts. */
export const PROTOCOL = 1;
/** What task types look like, here and everywhere. */
export const TYPE_PATTERN = /^[a-z][a-z0-9_]{0,62}$/;

const text = (max: number) =>
  z.string().min(1).max(max).refine((value) => !value.includes("\0"), "must not contain a NUL byte");

const manifestSchema = z.strictObject({
  $schema: z.string().optional(),
  protocol: z.literal(PROTOCOL, `must be ${PROTOCOL}: this worker speaks no other`).default(PROTOCOL),
  type: z.string().regex(TYPE_PATTERN, "must be lower-case letters, digits and underscores"),
  description: text(1000),
  /** Shown with the capabilities. */
  version: text(100).optional(),
  /**
   * The program and its arguments. A bare name is looked up on PATH, a relative path (with a slash) in the manifest's
   * folder. Nothing is filled in: the input comes on stdin.
   */
  command: z.tuple([text(4096)], z.string().max(4096)),
  /** A JSON Schema (2020-12) for the task's input. */
  input: z.record(z.string(), z.unknown()),
  timeoutSeconds: z.number().min(0.1).max(7 * 86_400).optional(),
  /** Names of variables passed on from the worker's environment. */
  env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)).max(200).default([]),
  /** Set where the program posts, messages or spends: the kind of act, for the person who is asked first. */
  outward: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "must be a word such as post").optional(),
});

/** A checked manifest with its place and the checker of its input. */
export interface Manifest extends Omit<z.output<typeof manifestSchema>, "input" | "$schema"> {
  /** Absolute. */
  readonly folder: string;
  readonly input: z.ZodType;
}

/** Reads the text of a manifest. Pure. @throws Error that names every field that is wrong */
export function parseManifest(text: string, folder: string): Manifest {
  const { $schema: _, input, ...rest } = checkedManifest(text, manifestSchema);
  return { ...rest, folder, input: inputSchema(input) };
}

/** Reads the manifest of a folder. @throws Error where it is missing, too large or wrong */
export async function readManifest(folder: string): Promise<Manifest> {
  return parseManifest(await readManifestText(join(folder, "executor.json")), folder);
}
