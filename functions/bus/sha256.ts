import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';

/** What a client of the AWS SDK hashes with. */
type HashConstructor = EventBridgeClient['config']['sha256'];
type Secret = NonNullable<ConstructorParameters<HashConstructor>[0]>;

/** The last secret that came as a text and the last that came as bytes: a signer's credentials, and the key it made of them. */
const keys = new Map<string, { readonly secret: Secret; readonly key: KeyObject }>();

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
    if (this.#secret === undefined) return hash('sha256', data, 'buffer');
    return createHmac('sha256', keyOf(this.#secret)).update(data).digest();
  }

  reset(): void {
    this.#parts.length = 0;
  }
}

function keyOf(secret: Secret): KeyObject {
  const known = keys.get(typeof secret);
  if (known?.secret === secret) return known.key;
  const key = createSecretKey(Buffer.from(secret as Uint8Array));
  keys.set(typeof secret, { secret, key });
  return key;
}
