/**
 * A program for tests: listens on Realtime through the driver and prints what it hears, until its input ends. A
 * process of its own, because realtime-js leaves a 10 s timer behind when it disconnects.
 */
import { openSupabase } from "../database/supabase.ts";
import { processTerminal } from "../cli/terminal.ts";

const [url, key] = Deno.args;
const terminal = processTerminal();
const database = openSupabase({ url, key });
try {
  const stop = await database.listen!("actp_tasks", (payload) => terminal.out(payload));
  terminal.out("listening");
  await new Response(Deno.stdin.readable).text();
  await stop();
  await database.close();
  terminal.out("stopped");
} catch (error) {
  terminal.out(`refused: ${(error as Error).message}`);
}
Deno.exit(0);
