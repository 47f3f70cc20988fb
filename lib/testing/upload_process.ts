/** A worker's upload as a process of its own, for tests that kill it: reads its orders from stdin, prints the result. */
import { text } from "node:stream/consumers";
import process from "node:process";
import { openStorage } from "../storage/supabase.ts";

const { settings, upload } = JSON.parse(await text(process.stdin));
const stored = await openStorage(settings)!.upload({ ...upload, signal: new AbortController().signal });
Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(stored)}\n`));
