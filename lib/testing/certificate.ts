/** A certificate for a name under test, made by the real openssl; `...await needs("openssl")`. */
import { tempDir } from "./temp.ts";

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes one that signs itself. `subject`: a subjectAltName, e.g. `DNS:files.test` or `IP:127.0.0.1`. */
export async function makeCertificate(subject: string): Promise<Certificate> {
  await using folder = await tempDir();
  const args =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key -out cert -subj /CN=x"
      .split(" ");
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [...args, "-addext", `subjectAltName=${subject}`, "-addext", "basicConstraints=critical,CA:FALSE"],
    cwd: folder.path,
  }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
  return {
    cert: await Deno.readTextFile(`${folder.path}/cert`),
    key: await Deno.readTextFile(`${folder.path}/key`),
  };
}
