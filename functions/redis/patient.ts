import { RedisError } from '../errors.ts';
import type { Patience } from '../patience.ts';
import { redisError } from './error.ts';
import type { Command, RedisConnection, RedisTarget } from './port.ts';

/** The time from the first failure to the next answer. */
interface Outage {
  failure: RedisError;
  readonly since: number;
  /** Milliseconds to the next attempt to connect; after a connection was lost, the first attempt is made at once. */
  pause: number;
  isReported: boolean;
}

/** Milliseconds between the first attempts to connect; doubled each time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/**
 * Creates a connection that connects when it is first needed, and waits until outages are over.
 *
 * All commands only read, so failed commands are sent again on a new connection. A failure that cannot pass by itself,
 * such as a wrong password, is thrown at once. It warns when it begins to wait, and when Redis answers again.
 * @param connect creates a connection
 */
export function createPatientConnection(
  connect: () => Promise<RedisConnection>,
  { wait, signal, warn }: Patience,
): RedisConnection {
  const closing = new AbortController();
  const ending = AbortSignal.any([signal, closing.signal]);
  let target: RedisTarget | undefined;
  let connection: Promise<RedisConnection> | undefined;
  let outage: Outage | undefined;

  /** @param pause milliseconds to the next attempt if this is the first failure */
  function fail(failure: RedisError, pause: number): void {
    outage ??= { failure, since: performance.now(), pause, isReported: false };
    outage.failure = failure;
  }

  function recover(): void {
    if (outage?.isReported) {
      warn(`Redis answers again after ${((performance.now() - outage.since) / 1000).toFixed(1)} s`);
    }
    outage = undefined;
  }

  async function pause(current: Outage): Promise<void> {
    const { pause: milliseconds, failure } = current;
    current.pause = Math.min(Math.max(milliseconds * 2, FIRST_PAUSE), LONGEST_PAUSE);
    if (milliseconds === 0) return;
    if (!current.isReported && !ending.aborted) {
      warn(`Redis does not answer (${failure.message}); waiting`);
      current.isReported = true;
    }
    await wait(milliseconds, ending).catch(() => {});
  }

  /** Tries until it is connected. An attempt that succeeds too late is closed. */
  async function open(): Promise<RedisConnection> {
    for (;;) {
      if (outage) await pause(outage);
      if (outage && ending.aborted) throw outage.failure;
      if (closing.signal.aborted) throw closed();
      const attempt = connect();
      try {
        const opened = await until(outage ? ending : closing.signal, attempt, outage?.failure);
        ({ target } = opened);
        return opened;
      } catch (error) {
        if (!passes(error) || ending.aborted) {
          attempt.then(
            (late) => late.close(),
            () => {},
          );
          throw error;
        }
        fail(error, FIRST_PAUSE);
      }
    }
  }

  function connected(): Promise<RedisConnection> {
    if (connection) return connection;
    const own = open();
    connection = own;
    own.catch(() => forget(own));
    return own;
  }

  function forget(own: Promise<RedisConnection>): void {
    if (connection === own) connection = undefined;
  }

  /** Asks until there is an answer. @param failureOf the failure, if the whole answer is one */
  async function ask<Answer>(
    question: (redis: RedisConnection) => Promise<Answer>,
    failureOf: (answer: Answer, target: RedisTarget) => RedisError | undefined,
  ): Promise<Answer> {
    for (;;) {
      const own = connected();
      const redis = await own;
      try {
        const answer = await question(redis);
        const failure = failureOf(answer, redis.target);
        if (failure) throw failure;
        recover();
        return answer;
      } catch (error) {
        if (!passes(error)) throw error;
        redis.close();
        if (connection === own) fail(error, 0);
        forget(own);
        if (ending.aborted) throw error;
      }
    }
  }

  return {
    get target() {
      if (!target) throw new Error('the connection was not opened yet');
      return target;
    },
    isCluster: async () => (await connected()).isCluster(),
    send: (commands, limits) =>
      ask(
        (redis) => redis.send(commands, limits),
        (replies, answering) => outageIn(commands, replies, answering),
      ),
    scan: (pattern, options) =>
      ask(
        (redis) => redis.scan(pattern, options),
        () => undefined,
      ),
    close() {
      closing.abort();
      connection?.then(
        (redis) => redis.close(),
        () => {},
      );
    },
  };
}

function closed(): RedisError {
  return new RedisError('REDIS_CLOSED', 'The connection to Redis was closed by its owner.', { passes: true });
}

function passes(error: unknown): error is RedisError {
  return error instanceof RedisError && error.passes;
}

/** Waits for a promise, at most until the signal is aborted. @throws the given failure if it is aborted */
async function until<T>(signal: AbortSignal, promised: Promise<T>, failure: RedisError | undefined): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(failure ?? closed());
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promised, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * The failure, such as `LOADING`, if all replies are failures. The replies to `MULTI` and `EXEC` do not count.
 *
 * If some commands are answered, or only one slot of a cluster is not served, the caller handles the replies.
 */
function outageIn(
  commands: readonly Command[],
  replies: readonly unknown[],
  target: RedisTarget,
): RedisError | undefined {
  const failures = replies.flatMap((reply, i) => {
    if (commands[i]?.[0] === 'multi' || commands[i]?.[0] === 'exec') return [];
    return reply instanceof Error && !/Hash slot not served/.test(reply.message)
      ? redisError(reply, target, 'reading')
      : undefined;
  });
  return failures.every((failure) => failure?.passes) ? failures[0] : undefined;
}
