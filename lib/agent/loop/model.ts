/** The way to a model, as the tool loop sees it. The words are the Messages API's own. */
import type Anthropic from "@anthropic-ai/sdk";
import type { TokenUse } from "../prices.ts";

/** One message of the conversation. */
export interface ModelMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly ContentBlock[];
}
/** One part of a message that is sent. */
export type ContentBlock = Anthropic.ContentBlockParam;
/** A tool as the model is told of it. */
export type ToolDescription = Anthropic.Tool;

/** One call. */
export interface ModelRequest {
  readonly model: string;
  readonly system: readonly Anthropic.TextBlockParam[];
  readonly tools: readonly ToolDescription[];
  readonly messages: readonly ModelMessage[];
  readonly maxTokens: number;
}

/** The answer to it. */
export interface ModelReply {
  /** The model that answered, by its full name. */
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stopReason: string;
  /** Why it refused, where it says so. */
  readonly stopDetails?: string;
  readonly use: TokenUse;
}

/** What a caller wants to see while the answer comes. */
export interface ModelEvents {
  text?(delta: string): void;
  /** The call failed and is made again after so many ms; text that came before is void. */
  retry?(reason: string, delayMs: number): void;
}

/** Calls the model. */
export interface ModelClient {
  /** @throws {@link ModelError}, or the signal's reason when aborted */
  call(request: ModelRequest, signal: AbortSignal, events?: ModelEvents): Promise<ModelReply>;
}

/** The model could not be had; the message is one line for people. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** Asking again later may work. */
  readonly transient: boolean;
  constructor(message: string, options: { status?: number; transient: boolean; cause?: unknown }) {
    super(message.replace(/\s+/g, " ").slice(0, 500), { cause: options.cause });
    this.status = options.status;
    this.transient = options.transient;
  }
}
