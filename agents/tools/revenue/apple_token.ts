/**
 * The token that App Store Connect asks for: a JWT signed with ES256, good for minutes.
 * https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests
 */

/** The three settings of a key. */
export interface AppleKey {
  readonly keyId: string;
  readonly issuerId: string;
  /** PKCS #8 in PEM; `\n` may stand for line ends, as in environment variables. */
  readonly privateKey: string;
}

/** Apple refuses more than 20 minutes. */
const LIFETIME_SECONDS = 600;

/**
 * Signs a token that is good from `now` (ms since the epoch) on.
 * @throws Error that names the setting, and never holds the key
 */
export async function appleToken({ keyId, issuerId, privateKey }: AppleKey, now: number): Promise<string> {
  const issued = Math.floor(now / 1_000);
  const part = (value: object) => base64Url(new TextEncoder().encode(JSON.stringify(value)));
  const content = `${part({ alg: "ES256", kid: keyId, typ: "JWT" })}.${
    part({ iss: issuerId, iat: issued, exp: issued + LIFETIME_SECONDS, aud: "appstoreconnect-v1" })
  }`;
  const key = await importKey(privateKey);
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    key,
    new TextEncoder().encode(content),
  );
  return `${content}.${base64Url(new Uint8Array(signature))}`;
}

async function importKey(pem: string): Promise<CryptoKey> {
  try {
    const base64 = pem.replaceAll("\\n", "\n").replace(/-----(BEGIN|END) PRIVATE KEY-----/g, "").replace(
      /\s/g,
      "",
    );
    const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    return await crypto.subtle.importKey("pkcs8", der, curve, false, ["sign"]);
  } catch {
    // Without a cause: it may quote the key.
    throw new Error("Cannot sign for App Store Connect: APPLE_PRIVATE_KEY is no P-256 key in PKCS #8 PEM");
  }
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
