import { needs } from "../testing/requirements.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { openPostgres } from "./postgres.ts";
import { contractSuite } from "./contract/suite.ts";
import { sqlClient } from "./contract/sql_client.ts";

contractSuite("PostgreSQL", async () => {
  await using cleanup = new AsyncDisposableStack();
  // A server elsewhere in the world: times must come out in UTC all the same.
  const server = cleanup.use(await startPostgres({ settings: { timezone: "Asia/Tokyo" } }));
  const [database, other] = [openPostgres(server.url), openPostgres(server.url)];
  cleanup.defer(() => other.close());
  cleanup.defer(() => database.close());
  await database.migrate();
  const client = cleanup.use(sqlClient(server.url));
  const owned = cleanup.move();
  return { database, other, sql: client.sql, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}, await needs("postgres"));
