/** Tells an agent what has become of its proposals: decisions and results that it has not heard of. */
import type { Database } from "../database/database.ts";
import { resultText } from "./loop/tools.ts";

/** One piece of news, as `actp_agent_news` has it. */
export interface NewsRow {
  readonly id: string;
  readonly status: string;
  readonly tool_name: string | null;
  readonly summary: string;
  readonly decided_by: string | null;
  readonly reason: string | null;
  readonly result: unknown;
  readonly error: string | null;
}

const MAX_RESULT = 1_000;

/** The news of one run. What was handed out counts as told when the next is asked for, or with {@link RunNews.told}. */
export class RunNews {
  readonly #database: Database;
  readonly #agentId: string;
  readonly #holder: string;
  #handedOut: readonly NewsRow[] = [];

  constructor(database: Database, agentId: string, holder: string) {
    this.#database = database;
    this.#agentId = agentId;
    this.#holder = holder;
  }

  /** As texts for the model; none where there is nothing new. */
  async next(): Promise<string[]> {
    await this.told();
    this.#handedOut = await this.#database.call<NewsRow[]>("actp_agent_news", {
      p_agent_id: this.#agentId,
      p_holder: this.#holder,
    });
    return this.#handedOut.length > 0 ? [newsText(this.#handedOut)] : [];
  }

  /** The model has read what was handed out. */
  async told(): Promise<void> {
    if (this.#handedOut.length === 0) return;
    const p_told = this.#handedOut.map(({ id, status }) => ({ id, status }));
    this.#handedOut = [];
    await this.#database.call("actp_agent_told", { p_told });
  }
}

/** The news as one text. Pure. */
export function newsText(rows: readonly NewsRow[]): string {
  return ["News of your earlier proposals:", ...rows.map((row) => `- ${line(row)}`)].join("\n");
}

function line({ id, status, summary, decided_by, reason, result, error }: NewsRow): string {
  const said = reason ? `: ${reason}` : "";
  const head = `${summary} (approval ${id}): `;
  switch (status) {
    case "approved":
      return `${head}approved by ${decided_by ?? "a person"}${said}; not done yet${
        error ? `, the last try failed: ${error}` : ""
      }`;
    case "rejected":
      return `${head}rejected by ${decided_by ?? "a person"}${said}`;
    case "expired":
      return `${head}nobody approved it in time; nothing was done`;
    case "done":
      return `${head}done; result: ${resultText(result).slice(0, MAX_RESULT)}`;
    case "failed":
      return `${head}not done, and it will not be tried again: ${error ?? "without a reason"}`;
    default:
      return `${head}it is not known whether it happened (${
        error ?? "it broke off"
      }); a person looks after it, do not repeat it`;
  }
}
