/** What a program may tell the worker: one JSON object per line of its stdout. Pure. */
import { z } from "zod";

const text = z.string().max(10_000);

const messageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("progress"),
    percent: z.number().min(0).max(100).optional(),
    message: text.optional(),
    remaining_seconds: z.number().min(0).optional(),
  }),
  z.object({ type: z.literal("result"), output: z.unknown() }),
  z.object({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warning", "error"]).catch("info"),
    message: text,
  }),
  z.object({ type: z.literal("error"), message: text, retry: z.boolean().default(true) }),
]);

/** A line that means something to the worker. */
export type Message = z.infer<typeof messageSchema>;

/** Reads one line; undefined for ordinary text and for JSON that is none of these messages. */
export function parseMessage(line: string): Message | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // text that only begins like JSON
  }
}
