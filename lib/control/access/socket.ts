/** Serves the control API at a socket in the file system, for programs of the worker's own account. */
import { logger } from "../../log.ts";
import type { Service } from "../../service.ts";

/** What it is made of. */
export interface SocketOptions {
  readonly path: string;
  readonly answer: (request: Request) => Response | Promise<Response>;
  readonly onListen?: (path: string) => void;
}

/** Runs until it is stopped. A socket that a killed worker left behind is taken over; anything else stays. */
export function socketAccess({ path, answer, onListen }: SocketOptions): Service {
  return {
    name: "control socket",
    async run(signal) {
      if (signal.aborted) return;
      await removeStale(path);
      // Nobody else may connect, from its first moment on.
      const mask = Deno.umask(0o177);
      let server: Deno.HttpServer<Deno.UnixAddr>;
      try {
        server = Deno.serve({ path, signal, onListen: () => {} }, answer);
      } catch (cause) {
        const reason = (cause as Error).message;
        throw new Error(
          `Cannot listen at ${path}: ${reason}. Choose another place with WORKER_CONTROL_SOCKET.`,
          {
            cause,
          },
        );
      } finally {
        Deno.umask(mask);
      }
      logger("control").info(`The control API listens at ${path}`);
      onListen?.(path);
      await server.finished;
      await Deno.remove(path).catch(() => {}); // newer runtimes have removed it
    },
  };
}

/** @throws Error where something else is there, or somebody answers */
async function removeStale(path: string): Promise<void> {
  const fix = "Choose another place with WORKER_CONTROL_SOCKET.";
  const info = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot look at ${path}: ${error.message}. ${fix}`, { cause: error });
  });
  if (!info) return;
  if (!info.isSocket) throw new Error(`${path} is there already and is no socket. ${fix}`);
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch {
    return await Deno.remove(path); // nobody listens any more
  }
  throw new Error(`Another program listens at ${path}. ${fix}`);
}
