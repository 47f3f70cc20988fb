/** `action.json`: what a folder with a program that is a heartbeat action says about it. */
import { join } from "node:path";
import { z } from "zod";
import { checkedManifest, readManifestText } from "./manifest_file.ts";
import { inputSchema } from "./input_schema.ts";
import { PROTOCOL } from "./manifest.ts";

/** What names of actions look like. */
export const ACTION_NAME = /^[a-z][a-z0-9-]{0,62}$/;

const text = (max: number) =>
  z.string().min(1).max(max).refine((value) => !value.includes("\0"), "must not contain a NUL byte");

const manifestSchema = z.strictObject({
  $schema: z.string().optional(),
  protocol: z.literal(PROTOCOL, `must be ${PROTOCOL}: this worker speaks no other`).default(PROTOCOL),
  name: z.string().regex(ACTION_NAME, "must be lower-case letters, digits and dashes"),
  description: text(1000),
  /** A cron expression, for whoever configures no other. */
  schedule: text(200),
  /** As in `executor.json`. */
  command: z.tuple([text(4096)], z.string().max(4096)),
  /** A JSON Schema (2020-12) for the action's options; none unless told. */
  options: z.record(z.string(), z.unknown()).default({ type: "object", additionalProperties: false }),
  timeoutSeconds: z.number().min(0.1).max(3600).default(60),
  /** Names of variables passed on from the worker's environment. */
  env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)).max(200).default([]),
});

/** A checked manifest with its place and the checker of its options. */
export interface ActionManifest extends Omit<z.output<typeof manifestSchema>, "options" | "$schema"> {
  /** Absolute. */
  readonly folder: string;
  readonly options: z.ZodType;
}

/** Reads the text of a manifest. Pure. @throws Error that names every field that is wrong */
export function parseActionManifest(text: string, folder: string): ActionManifest {
  const { $schema: _, options, ...rest } = checkedManifest(text, manifestSchema);
  return { ...rest, folder, options: inputSchema(options) };
}

/** Reads the manifest of a folder. @throws Error where it is missing, too large or wrong */
export async function readActionManifest(folder: string): Promise<ActionManifest> {
  return parseActionManifest(await readManifestText(join(folder, "action.json")), folder);
}
