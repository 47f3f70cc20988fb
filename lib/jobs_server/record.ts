/** Where the jobs server of a home folder listens, for the commands of the same person. */
import { join } from "node:path";
import { processIdentity } from "../daemon/process_identity.ts";

/** A running server. `identity`: see processIdentity. */
export interface JobsServerRecord {
  readonly pid: number;
  readonly identity: string;
  readonly url: string;
}

/** Writes the record; the answer removes it. */
export async function writeServerRecord(home: string, url: string): Promise<() => Promise<void>> {
  const path = pathIn(home);
  const identity = await processIdentity(Deno.pid) ?? "";
  const draft = `${path}.${Deno.pid}`;
  await Deno.writeTextFile(draft, JSON.stringify({ pid: Deno.pid, identity, url }) + "\n", { mode: 0o600 });
  await Deno.rename(draft, path);
  return async () => {
    if ((await read(path))?.pid === Deno.pid) await Deno.remove(path);
  };
}

/** The server of this home folder that runs now; undefined for none, also where a stale file names a foreign process. */
export async function findJobsServer(home: string): Promise<JobsServerRecord | undefined> {
  const record = await read(pathIn(home));
  return record && await processIdentity(record.pid) === record.identity ? record : undefined;
}

function pathIn(home: string): string {
  return join(home, "jobs-server.json");
}

async function read(path: string): Promise<JobsServerRecord | undefined> {
  try {
    const record = JSON.parse(await Deno.readTextFile(path));
    return Number.isInteger(record?.pid) && typeof record.url === "string" ? record : undefined;
  } catch {
    return undefined; // missing, or cut off by a crash
  }
}
