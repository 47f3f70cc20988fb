/** The supervisor's end of an agent's standard input. */
import { type AgentOrder, formatOrder } from "../agent/protocol.ts";

/** How many orders wait for an agent that does not read; more are not worth sending. */
const MAX_WAITING = 16;

/** Lines for a process that may never read them. It stays open until it is closed, or its reader has gone. */
export class Orders {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.#open = false),
    }, { highWaterMark: MAX_WAITING });
  }

  /** Whether the order was taken: not by a process that is gone, or that has stopped reading. */
  send(order: AgentOrder): boolean {
    if (!this.#open || (this.#controller.desiredSize ?? 0) <= 0) return false;
    this.#controller.enqueue(new TextEncoder().encode(formatOrder(order)));
    return true;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#controller.close();
  }
}
