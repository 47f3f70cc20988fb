/** Where a run writes down what it does and what that costs. */
import type { TokenUse } from "../prices.ts";

/** Leave to make a call of the model, or not. */
export type CallLeave =
  /** `leftUsd`: what the tightest budget leaves, this call included; undefined without one. */
  | { readonly allowed: true; readonly callId: string; readonly leftUsd: number | undefined }
  | { readonly allowed: false; readonly why: string };

/** How a call of the model ended. */
export interface EndedCall {
  readonly callId: string;
  readonly status: "done" | "failed";
  readonly use: TokenUse;
  readonly costUsd: number;
  readonly model?: string;
  readonly stopReason?: string;
  readonly error?: string;
  readonly durationMs: number;
}

/** A call of a tool that is over. */
export interface EndedToolCall {
  readonly tool: string;
  readonly input: unknown;
  readonly result: string;
  readonly failed: boolean;
  readonly durationMs: number;
}

/** The record of one run; the database in earnest. */
export interface RunLedger {
  /** Reserves the money of a call. */
  beginModelCall(model: string, estimateUsd: number): Promise<CallLeave>;
  endModelCall(call: EndedCall): Promise<void>;
  toolCall(call: EndedToolCall): Promise<void>;
}
