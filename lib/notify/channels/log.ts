/** The log: always there, and told at once. */
import { logger } from "../../log.ts";
import type { Channel, Severity } from "../notification.ts";
import { body } from "./wording.ts";

const LEVELS = { info: "info", warning: "warn", alert: "error" } as const satisfies Record<Severity, string>;

/** Makes the channel. */
export function logChannel(): Channel & { readonly name: "log" } {
  const log = logger("notification");
  return {
    name: "log",
    send(batch) {
      for (const notification of batch) {
        const text = body(notification);
        log[LEVELS[notification.severity]]("{text}", {
          text: text === "" ? notification.title : `${notification.title}: ${text}`,
          kind: notification.kind,
        });
      }
      return Promise.resolve();
    },
  };
}
