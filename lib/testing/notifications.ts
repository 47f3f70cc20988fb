/** Notifications for tests. */
import type { OutgoingNotification } from "../notify/notification.ts";

/** One on its way, alike but for what is told. */
export function outgoing(more: Partial<OutgoingNotification> = {}): OutgoingNotification {
  return {
    id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    kind: "heartbeat.task-scan",
    severity: "info",
    title: "Found 2 new tasks",
    text: "render: 2",
    createdAt: "2026-05-01T09:00:00.000Z",
    repeats: 0,
    ...more,
  };
}
