/** An answer of an AWS service. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function success(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) };
}

/** A refusal of the whole call; the SDK turns it into an error with the name `code`. */
export function failure(status: number, code: string, message: string, headers: Record<string, string> = {}): Answer {
  return { status, body: JSON.stringify({ __type: code, message }), headers };
}
