/**
 * An executor of one's own as a module: counts the words of a text. Put it into the folder of executors
 * (`~/.actp-worker/executors`); its task type is `word_count`. Nothing of the worker can be imported there: what is
 * needed is handed in.
 */
// deno-lint-ignore no-explicit-any -- what is handed in has its types in the worker
export default ({ defineExecutor, z, TaskError }: any) =>
  defineExecutor({
    type: "word_count",
    description: "counts the words of a text",
    input: z.strictObject({ text: z.string().max(1_000_000), minLength: z.int().min(1).default(1) }),
    check: () => Promise.resolve({ available: true, version: "1.0" }),
    plan: ({ text }: { text: string }) => Promise.resolve([`count the words in ${text.length} characters`]),
    run({ text, minLength }: { text: string; minLength: number }) {
      const words = text.split(/\s+/).filter((word) => word.length >= minLength);
      if (words.length === 0) throw new TaskError("there is no such word in the text", { retry: false });
      return Promise.resolve({ words: words.length });
    },
  });
