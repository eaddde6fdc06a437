import { isIPv6 } from 'node:net';

/** Whether a text is an address of the range; other texts are in none. */
type IpRange = (text: string) => boolean;

/** The addresses of a network such as `10.0.0.0/8` or `2001:db8::/32`; undefined for any other text. */
export function networkRange(text: string): IpRange | undefined {
  const [, address = '', bits] = /^([^/]+)\/(\d+)$/.exec(text) ?? [];
  const digits = hexadecimal(address);
  if (digits === undefined) return undefined;
  const free = BigInt(digits.length * 4 - Number(bits));
  // Networks of one address, /32 and /128, are refused: the address itself says the same.
  if (free < 1n) return undefined;
  const bottom = (BigInt(`0x${digits}`) >> free) << free;
  const top = bottom + (1n << free) - 1n;
  const padded = (number: bigint) => number.toString(16).padStart(digits.length, '0');
  return between(padded(bottom), padded(top));
}

/** The range of one address, in whatever form it is written; undefined for a text that is no address. */
export function addressRange(text: string): IpRange | undefined {
  const digits = hexadecimal(text);
  return digits === undefined ? undefined : between(digits, digits);
}

/**
 * Compares digits from the first on, until one decides, whatever the version: that is how AWS's engine does it. So an
 * address of version 6 is in a network of version 4 by its first eight digits, and 16.0.0.5 is in ::/0, though 0.0.0.5
 * is not.
 */
function between(bottom: string, top: string): IpRange {
  return (text) => {
    const digits = hexadecimal(text)?.slice(0, bottom.length);
    if (digits === undefined) return false;
    if (digits.length === bottom.length) return bottom <= digits && digits <= top;
    return bottom.slice(0, digits.length) < digits && digits < top.slice(0, digits.length);
  };
}

/** An address as 8 or 32 digits; one of version 4 that is written as version 6, such as ::ffff:a00:5, has 8 as well. */
function hexadecimal(address: string): string | undefined {
  if (/^\d+(\.\d+){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    if (address.length > 15 || bytes.some((byte) => byte > 255)) return undefined;
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  if (!/^[\da-f:]+$/i.test(address) || !isIPv6(address)) return undefined;
  const [head = [], tail = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  const digits = groups.map((group) => group.toLowerCase().padStart(4, '0')).join('');
  return digits.startsWith(VERSION_4) ? digits.slice(VERSION_4.length) : digits;
}

const VERSION_4 = '00000000000000000000ffff';
