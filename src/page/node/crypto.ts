/** `node:crypto` in a page: SHA-256 of what is at hand, at once, which a page's own cannot. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

interface Hash {
  update(data: Uint8Array | string): Hash;
  digest(encoding: "hex"): string;
}

export function createHash(_algorithm: "sha256"): Hash {
  const hash = sha256.create();
  const made: Hash = {
    update(data) {
      hash.update(typeof data === "string" ? utf8ToBytes(data) : data);
      return made;
    },
    digest: () => bytesToHex(hash.digest()),
  };
  return made;
}
