import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';

/** What a client of the AWS SDK hashes with. */
type HashConstructor = EventBridgeClient['config']['sha256'];
type Secret = NonNullable<ConstructorParameters<HashConstructor>[0]>;

/** The last secret that came as bytes: the signing key of a day, as a signer keeps it. */
let signing: { readonly secret: Secret; readonly key: KeyObject } | undefined;

/** The last digest under a secret that came as a text: with each request a signer asks for that of its credentials. */
let credential: { readonly secret: string; readonly data: Uint8Array; readonly digest: Buffer } | undefined;

/**
 * Node's SHA-256, and HMAC where there is a secret, in the form that the signers of the AWS SDK take.
 *
 * The SDK's own gives Node the secret anew each time, which costs more than all that is done with it.
 */
export class Sha256 {
  readonly #secret: Secret | undefined;
  readonly #parts: Uint8Array[] = [];

  constructor(secret?: Secret) {
    this.#secret = secret;
  }

  update(data: Uint8Array): void {
    this.#parts.push(data);
  }

  async digest(): Promise<Uint8Array> {
    const [first] = this.#parts;
    const data = first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    const secret = this.#secret;
    if (secret === undefined) return hash('sha256', data, 'buffer');
    if (typeof secret === 'string') return digestOf(secret, data);
    if (signing?.secret !== secret) signing = { secret, key: createSecretKey(Buffer.from(secret as Uint8Array)) };
    return createHmac('sha256', signing.key).update(data).digest();
  }

  reset(): void {
    this.#parts.length = 0;
  }
}

function digestOf(secret: string, data: Uint8Array): Uint8Array {
  if (credential?.secret !== secret || Buffer.compare(credential.data, data) !== 0)
    credential = { secret, data, digest: createHmac('sha256', secret).update(data).digest() };
  return credential.digest;
}
