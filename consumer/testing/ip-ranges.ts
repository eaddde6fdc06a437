import { isIPv6 } from 'node:net';

/** Whether a text is an address of the range; any other text is not. */
type IpRange = (text: string) => boolean;

/** The addresses of a network such as `10.0.0.0/8` or `2001:db8::/32`; undefined for any other text. */
export function networkRange(text: string): IpRange | undefined {
  const [, address = '', bits] = /^([^/]+)\/(\d+)$/.exec(text) ?? [];
  const digits = hexadecimal(address);
  if (digits === undefined) return undefined;
  const free = BigInt(digits.length * 4 - Number(bits));
  // EventBridge refuses networks of a single address, /32 and /128.
  if (free < 1n) return undefined;
  const bottom = (BigInt(`0x${digits}`) >> free) << free;
  const top = bottom + (1n << free) - 1n;
  const padded = (number: bigint) => number.toString(16).padStart(digits.length, '0');
  return between(padded(bottom), padded(top));
}

/** The range of a single address, in any notation; undefined for a text that is not an address. */
export function addressRange(text: string): IpRange | undefined {
  const digits = hexadecimal(text);
  return digits === undefined ? undefined : between(digits, digits);
}

/**
 * Compares digits from left to right until one decides, whatever the IP version, like AWS's engine. Therefore, an IPv6
 * address can be in an IPv4 network by its first eight digits, and 16.0.0.5 is in ::/0, but 0.0.0.5 is not.
 */
function between(bottom: string, top: string): IpRange {
  return (text) => {
    const digits = hexadecimal(text)?.slice(0, bottom.length);
    if (digits === undefined) return false;
    if (digits.length === bottom.length) return bottom <= digits && digits <= top;
    return bottom.slice(0, digits.length) < digits && digits < top.slice(0, digits.length);
  };
}

/** An address as 8 or 32 digits; an IPv4 address in IPv6 notation, such as ::ffff:a00:5, also has 8. */
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
