/** Cases with their name in front, for a title: options as in `queue=emails, max=1`, or `no options`. */
export function withName<const Case extends readonly [object | string, ...unknown[]]>(...cases: readonly Case[]) {
  return cases.map((each) => [inWords(each[0]), ...each] as const);
}

/** Planned faults with their name in front: the code of an error, or the kind of another fault. */
export function faultsByName<const Fault extends { readonly kind: string; readonly code?: string }>(
  ...faults: readonly Fault[]
) {
  return faults.map((fault) => [fault.code ?? fault.kind, fault] as const);
}

function inWords(options: object | string): string {
  if (typeof options === 'string') return JSON.stringify(options);
  const texts = Object.entries(options).map(([name, value]) => `${name}=${asText(value)}`);
  return texts.length === 0 ? 'no options' : texts.join(', ');
}

function asText(value: unknown): string {
  const text = (typeof value === 'string' && value !== '' ? value : JSON.stringify(value)).replaceAll(/\s+/g, ' ');
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const LONGEST = 40;
