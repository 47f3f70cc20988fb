/** Sending a batch in several messages, and knowing how much of it has arrived when one of them fails. */
import { DeliveryError } from "../notification.ts";

/** One message, and how many of the batch's notifications end with it. */
export interface Parcel<T> {
  readonly content: T;
  readonly ends: number;
}

/** Sends them in order. @throws {@link DeliveryError} that tells how many notifications were sent before it */
export async function inParcels<T>(
  parcels: readonly Parcel<T>[],
  send: (content: T) => Promise<void>,
): Promise<void> {
  let delivered = 0;
  for (const { content, ends } of parcels) {
    try {
      await send(content);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      const { message, retry, retryAfterMs } = error;
      throw new DeliveryError(message, { retry, retryAfterMs, delivered, cause: error });
    }
    delivered += ends;
  }
}
