import { onBothDatabases } from "../testing/agent_databases.ts";
import { actCases } from "./contract/acts.ts";
import { goalCases } from "./contract/goals.ts";
import { recordCases } from "./contract/records.ts";

await onBothDatabases("goals, runs and outward acts of agents", {
  ...goalCases,
  ...recordCases,
  ...actCases,
});
