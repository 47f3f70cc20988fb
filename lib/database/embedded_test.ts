import { rejects } from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { contractSuite } from "./contract/suite.ts";
import { FolderInUseError, openEmbedded } from "./embedded.ts";

contractSuite("the embedded database", async () => {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempDir());
  const database = await openEmbedded(join(folder.path, "db"));
  cleanup.defer(() => database.close());
  await database.migrate();
  const owned = cleanup.move();
  return { database, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
