/** Which addresses are on the public internet. Pure. */
import { isIP } from "node:net";

/** IPv4 blocks that are not: this network, private, shared, loopback, link-local, reserved, examples, multicast. */
const PRIVATE_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** Only this is given out for the public; inside it: protocol assignments with Teredo, examples, 6to4. */
const PUBLIC_V6 = "2000::/3";
const PRIVATE_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];
const MAPPED_V4 = "::ffff:0:0/96";

/**
 * True unless `address` is an IP address that the public internet routes. Loopback, private, link-local (with cloud
 * metadata), shared, multicast, translated (NAT64, 6to4, Teredo), reserved and example addresses are private, and
 * so is whatever is no address at all. An IPv4 address in IPv6 form is judged as the former.
 */
export function isPrivateAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return isPrivateV4(parseV4(address));
    case 6: {
      if (address.includes("%")) return true; // a zone: only link-local addresses have one
      const value = parseV6(address);
      if (within(value, MAPPED_V4)) return isPrivateV4(value & 0xffff_ffffn);
      return !within(value, PUBLIC_V6) || PRIVATE_V6.some((block) => within(value, block));
    }
    default:
      return true;
  }
}

function isPrivateV4(value: bigint): boolean {
  return PRIVATE_V4.some((block) => within(value, block));
}

function within(value: bigint, block: string): boolean {
  const [base, bits] = block.split("/");
  const [parsed, width] = base.includes(":") ? [parseV6(base), 128] : [parseV4(base), 32];
  const shift = BigInt(width - Number(bits));
  return value >> shift === parsed >> shift;
}

function parseV4(address: string): bigint {
  return address.split(".").reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/** Reads a valid IPv6 address, also one that ends in dotted IPv4 form. */
function parseV6(address: string): bigint {
  const dotted = /[^:]*\.[^:]*$/.exec(address)?.[0];
  if (dotted !== undefined) {
    const hex = parseV4(dotted).toString(16).padStart(8, "0");
    return parseV6(`${address.slice(0, -dotted.length)}${hex.slice(0, 4)}:${hex.slice(4)}`);
  }
  const [head, tail] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const groups = tail === undefined
    ? head
    : [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}
