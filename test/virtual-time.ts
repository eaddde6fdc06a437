import { setImmediate } from 'node:timers/promises';
import type { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { WaitingTable } from '../functions/checkpoint/await-lease.ts';
import { dynamoClient, ownTable } from './dynamodb.ts';

export const START = Date.parse('2026-11-01T12:00:00Z');

/** What happens to a write: `send` makes the call. */
export type Network = (send: () => Promise<unknown>, command: UpdateItemCommand) => Promise<unknown>;

/** Time that passes only while everybody waits, on a real server whose calls take none of it. */
export interface VirtualTime {
  /** Milliseconds since the beginning. */
  elapsed(): number;
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Makes a call, during which no time passes. */
  busy<T>(call: () => Promise<T>): Promise<T>;
  /** The table as a run sees it whose clock is off by so many milliseconds. */
  table(offset?: number, network?: Network): WaitingTable;
  /** Lets time pass until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export async function createVirtualTime(): Promise<VirtualTime> {
  const client = dynamoClient();
  const name = await ownTable(client);
  const timers = new Set<Timer>();
  let time = 0;
  let calls = 0;

  async function busy<T>(call: () => Promise<T>): Promise<T> {
    calls += 1;
    try {
      return await call();
    } finally {
      calls -= 1;
    }
  }

  function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = { at: time + milliseconds, ring: resolve };
      const onAbort = () => {
        timers.delete(timer);
        reject(signal?.reason);
      };
      timers.add(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  return {
    elapsed: () => time,
    wait,
    busy,
    table: (offset = 0, network = (send) => send()) => ({
      client: {
        send: (command: UpdateItemCommand) => network(() => busy(() => client.send(command)), command),
      } as unknown as DynamoDBClient,
      table: name,
      now: () => new Date(START + time + offset),
      wait,
    }),
    async until(promise) {
      let isSettled = false;
      const settled = promise.finally(() => {
        isSettled = true;
      });
      settled.catch(() => undefined);
      while (!isSettled) {
        await setImmediate();
        if (calls > 0 || isSettled) continue;
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (!next) throw new Error('everybody waits, and nobody for a time');
        timers.delete(next);
        time = next.at;
        next.ring();
      }
      return settled;
    },
  };
}
