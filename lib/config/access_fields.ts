/** The part of the table of configuration fields that is about who reaches the control API, and how. */
import { z } from "zod";
import { field } from "./field.ts";
import { text, words } from "./schemas.ts";

/** `worker.example.com`, `10.0.0.5`, `[fd00::5]`, each perhaps with a port. */
const HOST_NAME =
  /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(:\d{1,5})?$/i;
/** An address of this machine with a port. */
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/i;

export const ACCESS_FIELDS = {
  controlHost: field({
    env: ["WORKER_CONTROL_HOST"],
    schema: z.enum(
      ["127.0.0.1", "::1", "localhost"],
      "must be this machine's own address: 127.0.0.1, ::1 or localhost (for other machines set WORKER_REMOTE_ADDRESS)",
    ),
    default: "127.0.0.1",
    description: "The address of both servers; only this machine's own are accepted.",
    restartNeeded: true,
  }),
  controlSocket: field({
    env: ["WORKER_CONTROL_SOCKET"],
    schema: text.max(103, "must be at most 103 characters, as systems allow for sockets").optional(),
    default: undefined,
    description: "A socket in the file system (0600) at which the control API listens as well.",
    restartNeeded: true,
    path: "folder",
  }),
  remoteAddress: field({
    env: ["WORKER_REMOTE_ADDRESS"],
    schema: text.regex(ADDRESS, "must be an address with a port, like 0.0.0.0:8443 or [::]:8443").optional(),
    default: undefined,
    description:
      "Where the control API listens for other machines, by TLS; needs WORKER_REMOTE_HOSTS, WORKER_TLS_CERT and WORKER_TLS_KEY.",
    restartNeeded: true,
  }),
  remoteHosts: field({
    env: ["WORKER_REMOTE_HOSTS"],
    schema: words.pipe(
      z.array(z.string().regex(HOST_NAME, "must be names or addresses, like worker.example.com or 10.0.0.5")),
    ),
    default: [],
    description:
      "The names under which the control API may be called besides this machine's own, also behind a TLS proxy here.",
    restartNeeded: true,
  }),
  tlsCert: field({
    env: ["WORKER_TLS_CERT"],
    schema: text.optional(),
    default: undefined,
    description:
      "The certificate (PEM, with its chain) for WORKER_REMOTE_ADDRESS; read again when it changes.",
    restartNeeded: true,
    path: "folder",
  }),
  tlsKey: field({
    env: ["WORKER_TLS_KEY"],
    schema: text.optional(),
    default: undefined,
    description: "The file with the certificate's private key (PEM).",
    restartNeeded: true,
    path: "folder",
  }),
};
