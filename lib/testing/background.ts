/** A worker in the background as tests leave it: gone, whatever happened before. */
import { systemClock } from "../clock.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { isRunning, signalProven } from "../daemon/process_identity.ts";

/** Kills the keeper of a home folder and then its daemon, and waits until they are gone. */
export async function killBoth(home: string): Promise<void> {
  for (const find of [findKeeper, findDaemon]) {
    const found = await find(home);
    if (!found) continue;
    await signalProven(found, "SIGKILL");
    while (await isRunning(found)) await systemClock.sleep(50);
  }
}
