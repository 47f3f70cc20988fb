import assert from "node:assert/strict";
import fc from "fast-check";
import { isPrivateAddress } from "./address.ts";

const PRIVATE = [
  ..."0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.9 169.254.169.254 172.16.0.1 172.31.255.255"
    .split(" "),
  ..."192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1"
    .split(" "),
  ..."240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 fec0::1 ff02::1 100::1"
    .split(" "),
  ..."::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 2001::1".split(
    " ",
  ),
  ..."2001:db8::1 2002:7f00:1:: 3fff::1".split(" "),
];
const PUBLIC = [
  ..."1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.1.1 198.17.0.1 223.255.255.255"
    .split(" "),
  ..."2606:4700:4700::1111 2a00:1450:4001:81b::200e 2001:4860:4860::8888 ::ffff:8.8.8.8".split(" "),
];

Deno.test("addresses off the public internet are private", () => {
  for (const address of PRIVATE) assert.equal(isPrivateAddress(address), true, address);
});

Deno.test("addresses of the public internet are not private", () => {
  for (const address of PUBLIC) assert.equal(isPrivateAddress(address), false, address);
});

Deno.test("what is no address counts as private", () => {
  for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5", "0x7f.1", "8.8.8.8 ", "1:2", "01.1.1.1"]) {
    assert.equal(isPrivateAddress(text), true, text);
  }
  fc.assert(fc.property(fc.string(), (text) => typeof isPrivateAddress(text) === "boolean"));
});

Deno.test("every address is judged alike in its IPv4 and its mapped IPv6 form", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    assert.equal(isPrivateAddress(`::ffff:${address}`), isPrivateAddress(address));
  }));
});
