import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { embeddedDatabase } from "../testing/embedded_database.ts";
import { tempDir } from "../testing/temp.ts";
import { claim, complete, enqueue, get, unique } from "./contract/case.ts";
import { contractSuite } from "./contract/suite.ts";
import { FolderInUseError, openEmbedded } from "./embedded.ts";

contractSuite("the embedded database", embeddedDatabase);

Deno.test("the embedded database is one process's at a time, private, and still there the next time", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "db");
  const first = await openEmbedded(path);
  await first.migrate();
  const [id] = await enqueue(first, unique("type"));
  await rejects(
    openEmbedded(path),
    (error: Error) => error instanceof FolderInUseError && error.message.includes(path),
  );
  equal((await Deno.stat(path)).mode! & 0o777, 0o700);
  await first.close();
  await first.close();

  const second = await openEmbedded(path);
  deepEqual(await second.migrate(), []);
  equal((await get(second, id!)).status, "pending");
  await second.close();
});

Deno.test("a folder whose data is not a database is refused by name, and let go", async () => {
  await using folder = await tempDir();
  await Deno.mkdir(join(folder.path, "data"));
  await Deno.writeTextFile(join(folder.path, "data", "PG_VERSION"), "12\n");
  for (let times = 0; times < 2; times++) {
    await rejects(openEmbedded(folder.path), {
      name: "DatabaseError",
      transient: false,
      message: new RegExp(folder.path),
    });
  }
});

Deno.test("dead rows are removed from the tables that have many of them, and only from those", async () => {
  await using embedded = await embeddedDatabase();
  const { database } = embedded;
  const { signal } = new AbortController();
  await database.vacuum(signal); // what its making has left
  deepEqual(await database.vacuum(signal), []);
  for (let round = 0; round < 8; round++) {
    const type = unique("type");
    await enqueue(database, type, 20);
    const tasks = await claim(database, "w", type, 20);
    await complete(database, "w", tasks);
  }
  deepEqual(await database.vacuum(signal), ["actp_workflow_tasks"]);
  deepEqual(await database.vacuum(signal), []);
});
