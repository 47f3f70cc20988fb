/** Long-lived parts of the daemon and how they are run together. */
import { logger } from "./log.ts";

/** Runs until the signal aborts. Ends early only by throwing. */
export interface Service {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs all services until the signal aborts or one of them fails; then stops the others and waits for all.
 * @throws the first failure, naming the service; later ones are logged
 */
export async function runServices(services: readonly Service[], signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const together = AbortSignal.any([signal, failed.signal]);
  const errors: Error[] = [];
  await Promise.all(services.map(async (service) => {
    try {
      await service.run(together);
    } catch (error) {
      errors.push(new Error(`${service.name} failed: ${(error as Error).message}`, { cause: error }));
      failed.abort();
    }
  }));
  for (const error of errors.slice(1)) logger("service").error(error.message);
  if (errors.length > 0) throw errors[0];
}
