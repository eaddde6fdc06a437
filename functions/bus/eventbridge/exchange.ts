import type { Dispatcher } from 'undici';

/** A request as it is sent. */
export interface Outbound {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * Sends a POST on a connection of a pool and waits for the whole answer.
 *
 * @param timeout milliseconds from the call to the last byte, including the time to connect
 * @throws a `TimeoutError`, or the error of undici, if there is no whole answer
 */
export function exchange(pool: Dispatcher, request: Outbound, timeout: number): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const chunks: Buffer[] = [];
  let answer: Pick<HttpAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
  let underWay: Dispatcher.DispatchController | undefined;
  let tooLate: Error | undefined;
  let giveUp: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // The answer may have arrived while the event loop was blocked. It is read before the immediate is called.
    giveUp = setImmediate(() => {
      tooLate = Object.assign(new Error(`no answer within ${timeout} ms`), { name: 'TimeoutError' });
      underWay?.abort(tooLate);
      reject(tooLate);
    });
  }, timeout);
  const end = () => {
    clearTimeout(timer);
    clearImmediate(giveUp);
  };
  pool.dispatch(
    // One timer of our own instead of undici's two, which restart with each byte.
    { method: 'POST', ...request, headersTimeout: 0, bodyTimeout: 0 },
    {
      onRequestStart(controller) {
        // A request that timed out before it was sent must not be sent any more, because it is being repeated.
        if (tooLate) controller.abort(tooLate);
        underWay = controller;
      },
      onResponseStart(_, status, headers) {
        answer = { status, headers };
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        end();
        resolve({ ...answer, body: Buffer.concat(chunks).toString() });
      },
      onResponseError(_, error) {
        end();
        reject(error);
      },
    },
  );
  return promise;
}
