/** Asking a person, by @clack/prompts; loaded only when somebody is asked. */
import { EXIT, ExitError } from "./exit.ts";

/** One choice. */
export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/** One question for a text. `problem` tells what is wrong with an answer. */
export interface TextQuestion {
  readonly message: string;
  /** Taken where nothing is answered. */
  readonly suggestion?: string;
  readonly problem: (answer: string) => string | undefined;
}

/** Asks. @throws ExitError where the person gives up (Ctrl-C, Escape) */
export interface Prompter {
  select<T extends string>(message: string, choices: readonly Choice<T>[], first: T): Promise<T>;
  text(question: TextQuestion): Promise<string>;
  /** Like text, but nobody sees what is typed. */
  password(question: TextQuestion): Promise<string>;
}

/** Asks on the terminal. */
export async function terminalPrompter(): Promise<Prompter> {
  const { isCancel, password, select, text } = await import("@clack/prompts");
  const answered = (answer: string | symbol): string => {
    if (!isCancel(answer)) return String(answer);
    throw new ExitError(EXIT.failed, "Given up: nothing was written.");
  };
  return {
    async select(message, choices, first) {
      const options = choices.map(({ value, label, hint }) => ({ value: value as string, label, hint }));
      return answered(await select({ message, options, initialValue: first as string })) as typeof first;
    },
    async text({ message, suggestion, problem }) {
      const answer = answered(
        await text({
          message,
          placeholder: suggestion,
          defaultValue: suggestion,
          validate: (value) => value || suggestion === undefined ? problem(value ?? "") : undefined,
        }),
      );
      return answer;
    },
    async password({ message, problem }) {
      return answered(await password({ message, validate: (value) => problem(value ?? "") }));
    },
  };
}
