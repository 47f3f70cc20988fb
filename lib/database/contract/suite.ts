/** The contract: what a database must do, whichever driver stands before it. */
import { actCases } from "./acts.ts";
import { callCases } from "./calls.ts";
import type { Subject } from "./case.ts";
import { claimCases } from "./claim.ts";
import { completeCases } from "./complete.ts";
import { controlCases } from "./control.ts";
import { disputeCases } from "./disputes.ts";
import { enqueueCases } from "./enqueue.ts";
import { historyCases } from "./history.ts";
import { notifyCases } from "./notify.ts";
import { policyCases } from "./policy.ts";
import { settleCases } from "./settle.ts";
import { taskCases } from "./tasks.ts";
import { taskWatchCases } from "./task_watch.ts";
import { watchCases } from "./watch.ts";
import { workerCases } from "./workers.ts";

const CASES = [
  ...enqueueCases,
  ...claimCases,
  ...settleCases,
  ...completeCases,
  ...taskCases,
  ...policyCases,
  ...historyCases,
  ...workerCases,
  ...actCases,
  ...notifyCases,
  ...disputeCases,
  ...taskWatchCases,
  ...watchCases,
  ...controlCases,
  ...callCases,
];

/**
 * Registers the whole contract as one test, a step per case, on one database that `open` makes and that is closed at the
 * end. `options.ignore` comes from `needs(…)`.
 */
export function contractSuite(
  name: string,
  open: () => Promise<Subject>,
  options: { readonly ignore?: boolean } = {},
): void {
  Deno.test({
    name: `${name} keeps the database contract`,
    ignore: options.ignore,
    async fn(test) {
      await using subject = await open();
      for (const { name, needs, run } of CASES) {
        const lacks = needs === "listen" ? !subject.database.listen : needs && !subject[needs];
        await test.step({
          name,
          ignore: Boolean(lacks),
          fn: () => run(subject),
          // Connections open in one step and close after the last: the test as a whole is checked.
          sanitizeOps: false,
          sanitizeResources: false,
        });
      }
    },
  });
}
