import { RedisError } from '../errors.ts';
import { redisError } from './error.ts';
import type { Command, RedisConnection, RedisTarget } from './port.ts';

export interface PatienceOptions {
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Ends the patience: from then on, what fails has failed. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** The time from a failure that passes to the next answer. */
interface Outage {
  failure: RedisError;
  readonly since: number;
  /** Milliseconds to the next attempt to connect; after a connection was lost, the first is made at once. */
  pause: number;
  isReported: boolean;
}

/** Milliseconds between the first attempts to connect; doubled each time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/**
 * Makes a connection that connects when it is needed first, and waits outages out.
 *
 * All that is sent only reads, so what failed is sent again, on a new connection. A failure that does not pass by itself, such as a
 * wrong password, is thrown at once. Each outage that takes a while is one warning, and another one when it is over.
 * @param connect makes a connection; its failures say whether they pass
 */
export function createPatientConnection(
  connect: () => Promise<RedisConnection>,
  { wait, signal, warn }: PatienceOptions,
): RedisConnection {
  const closing = new AbortController();
  const ending = AbortSignal.any([signal, closing.signal]);
  let target: RedisTarget | undefined;
  let isCluster = false;
  let connection: Promise<RedisConnection> | undefined;
  let outage: Outage | undefined;

  /** @param pause to the next attempt, where this is the first failure */
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

  /** Tries until it is connected; an attempt that nobody waits for any more is closed when it succeeds. */
  async function open(): Promise<RedisConnection> {
    for (;;) {
      if (outage) await pause(outage);
      if (outage && ending.aborted) throw outage.failure;
      if (closing.signal.aborted) throw closed();
      const attempt = connect();
      try {
        const opened = await until(outage ? ending : closing.signal, attempt, outage?.failure);
        ({ target, isCluster } = opened);
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

  /** Asks until there is an answer. @param failureOf finds the outage in an answer that consists of it */
  async function ask<Answer>(
    question: (redis: RedisConnection) => Promise<Answer>,
    failureOf: (answer: Answer, target: RedisTarget) => RedisError | undefined,
  ): Promise<Answer> {
    for (;;) {
      connection ??= open();
      const own = connection;
      const drop = () => {
        if (connection === own) connection = undefined;
      };
      const redis = await own.catch((error: unknown) => {
        drop();
        throw error;
      });
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
        drop();
        if (ending.aborted) throw error;
      }
    }
  }

  return {
    get target() {
      if (!target) throw new Error('nothing was connected yet');
      return target;
    },
    /** Known once it is connected; before that, a command for keys of several hash slots may be refused (`CROSSSLOT`). */
    get isCluster() {
      return isCluster;
    },
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

/** What is promised, unless the signal is aborted before. @throws the failure, or what the promise rejects with */
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
 * The outage that all replies tell of, such as `LOADING`. A transaction's own two replies are none: they say less than those between.
 *
 * Where others are answered, or only a slot of a cluster is not served, the replies are the caller's.
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
