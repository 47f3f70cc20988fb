/** Access from elsewhere, as the command line sees it: what is refused before a worker starts, and the socket. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../config.ts";
import { socketAccess } from "../control/access/socket.ts";
import { ownProcess } from "../daemon/process_identity.ts";
import { makeCertificate } from "../testing/certificate.ts";
import { inProcess } from "../testing/cli.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { askDaemon, connect } from "./context.ts";

Deno.test({
  name: "listening for other machines is refused with 78 and a clear line, unless all that it needs is there",
  ...await needs("openssl"),
  async fn() {
    await using home = await tempDir();
    const [one, other] = await Promise.all([makeCertificate("DNS:a.test"), makeCertificate("DNS:a.test")]);
    const cert = join(home.path, "cert.pem");
    const key = join(home.path, "key.pem");
    const foreign = join(home.path, "other.pem");
    await Deno.writeTextFile(cert, one.cert);
    await Deno.writeTextFile(key, one.key);
    await Deno.writeTextFile(foreign, other.key);
    const all = {
      WORKER_REMOTE_ADDRESS: "0.0.0.0:8443",
      WORKER_REMOTE_HOSTS: "a.test, 10.0.0.5:8443",
      WORKER_TLS_CERT: cert,
      WORKER_TLS_KEY: key,
    };
    const start = (env: Record<string, string>) =>
      inProcess(["start", "--dry-run"], {
        ACTP_HOME: home.path,
        DATABASE_URL: "postgres://nobody@127.0.0.1:1/x",
        ...env,
      });
    const refused: [Record<string, string>, RegExp][] = [
      [
        { WORKER_CONTROL_HOST: "0.0.0.0" },
        /controlHost .* must be this machine's own address.*set WORKER_REMOTE_ADDRESS/,
      ],
      [{ WORKER_REMOTE_ADDRESS: "0.0.0.0:8443" }, /remoteHosts .* is missing beside WORKER_REMOTE_ADDRESS/],
      [{ ...all, WORKER_REMOTE_HOSTS: "" }, /remoteHosts .* is missing/],
      [{ ...all, WORKER_REMOTE_HOSTS: "*" }, /remoteHosts.* must be names or addresses/],
      [{ ...all, WORKER_REMOTE_ADDRESS: "8443" }, /remoteAddress .* must be an address with a port/],
      [{ ...all, WORKER_TLS_KEY: "" }, /tlsKey .* is missing beside WORKER_REMOTE_ADDRESS.*by TLS only/],
      [{ ...all, WORKER_TLS_CERT: "/nowhere.pem" }, /tlsCert .*\/nowhere\.pem cannot be read/],
      [{ ...all, WORKER_TLS_KEY: foreign }, /tlsKey .*other\.pem does not belong to the certificate/],
      [{ ...all, WORKER_TLS_CERT: key }, /tlsCert .*key\.pem cannot be used/],
    ];
    for (const [env, line] of refused) {
      const { code, stderr } = await start(env);
      assert.equal(code, 78, stderr);
      assert.match(stderr, line);
    }
    const { code, stderr } = await start(all);
    assert.notEqual(code, 78, stderr);
  },
});

Deno.test("commands reach a worker by its socket where its port leads nowhere", async () => {
  await using home = await tempDir();
  const path = join(home.path, "control.sock");
  await Deno.writeTextFile(join(home.path, "token"), "t".repeat(43));
  const { config } = await loadConfig({ env: { ACTP_HOME: home.path, HOME: home.path }, cwd: home.path });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const record = {
    ...await ownProcess(),
    startedAt: "",
    version: "",
    workerId: "w",
    controlPort: port, // nobody listens there any more
    controlSocket: path,
  };
  await Deno.writeTextFile(join(home.path, "worker.pid"), JSON.stringify(record));
  const asked: string[] = [];
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const running = socketAccess({
    path,
    async answer(request) {
      asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
      return Response.json({ answered: true });
    },
    onListen: listening.resolve,
  }).run(stop.signal);
  await listening.promise;
  assert.deepEqual(await askDaemon(config, "GET", "/status"), { answered: true });
  const database = await connect(config);
  assert.deepEqual(await database.call("actp_get_task", { p_task_id: "x" }), { answered: true });
  await database.close();
  assert.deepEqual(asked, ["GET /status ", 'POST /rest/v1/rpc/actp_get_task {"p_task_id":"x"}']);
  stop.abort();
  await running;
});
