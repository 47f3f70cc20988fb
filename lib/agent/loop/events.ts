/** What a run shows while it goes on. */
import type { TokenUse } from "../prices.ts";

/** One thing that happened in a run. */
export type RunEvent =
  | { readonly type: "text"; readonly text: string }
  /** The answer that was coming is void and asked for again. */
  | { readonly type: "retry"; readonly reason: string; readonly delayMs: number }
  | {
    readonly type: "model_call";
    readonly model: string;
    readonly use: TokenUse;
    readonly costUsd: number;
    /** Of the run so far. */
    readonly runCostUsd: number;
  }
  | { readonly type: "tool_call"; readonly id: string; readonly tool: string; readonly input: unknown }
  | {
    readonly type: "tool_result";
    readonly id: string;
    readonly tool: string;
    readonly result: string;
    readonly failed: boolean;
    readonly durationMs: number;
  };

/** Takes them as they happen; must not throw. */
export type RunListener = (event: RunEvent) => void;
