/** The certificate with which other machines are served. */

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Where they are. */
export interface KeyPairFiles {
  readonly cert: string;
  readonly key: string;
}

/** A file that is wrong, in words that follow its name: `cannot be read: …`. */
export interface KeyPairFault {
  readonly file: "cert" | "key";
  readonly message: string;
}

/** Reads both files and tries whether they can serve: the pair, or what is wrong. */
export function readKeyPair(files: KeyPairFiles): KeyPair | KeyPairFault {
  const read = (file: "cert" | "key") => {
    try {
      return Deno.readTextFileSync(files[file]);
    } catch (error) {
      return { file, message: `cannot be read: ${(error as Error).message}` };
    }
  };
  const cert = read("cert");
  if (typeof cert !== "string") return cert;
  const key = read("key");
  if (typeof key !== "string") return key;
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
    return { cert, key };
  } catch (error) {
    const { message } = error as Error;
    if (/mismatch|consistent/i.test(message)) {
      return { file: "key", message: "does not belong to the certificate" };
    }
    return { file: /key/i.test(message) ? "key" : "cert", message: `cannot be used: ${message}` };
  }
}

/** Whether it is a fault. */
export function isFault(read: KeyPair | KeyPairFault): read is KeyPairFault {
  return "message" in read;
}
