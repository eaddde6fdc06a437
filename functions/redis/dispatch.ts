import { RedisError } from '../errors.ts';
import type { Command } from './port.ts';
import type { Allowance } from './server.ts';
import type { ServerPool } from './server-pool.ts';
import type { Unit } from './unit.ts';
import { type Address, addressKey } from './url.ts';

/** A unit, and the server to send it to. */
export interface Errand {
  readonly unit: Unit;
  /** Absent if no server has its slot. */
  readonly to: Address | undefined;
  /** The slot is moving to that server, which needs `ASKING` first. */
  readonly asking?: boolean;
}

/** The replies to a unit; each can be an error. If the server failed, all replies are that failure. */
export interface Outcome {
  readonly from: Address | undefined;
  readonly replies: readonly unknown[];
  readonly failure?: RedisError;
}

/** Sends each server its units in one pipeline. @throws {ReplyTooLargeError} when all replies exceed the allowance */
export async function dispatch(
  servers: ServerPool,
  errands: readonly Errand[],
  allowance: Allowance,
): Promise<Map<Unit, Outcome>> {
  const outcomes = new Map<Unit, Outcome>();
  const pipelines = new Map<string, { readonly to: Address; readonly errands: Errand[] }>();
  for (const errand of errands) {
    const { unit, to } = errand;
    if (!to) {
      outcomes.set(unit, { from: to, replies: unit.commands.map(() => new Error('CLUSTERDOWN Hash slot not served')) });
      continue;
    }
    const pipeline = pipelines.get(addressKey(to)) ?? { to, errands: [] };
    pipeline.errands.push(errand);
    pipelines.set(addressKey(to), pipeline);
  }
  const sent = [...pipelines.values()].map(async ({ to, errands: own }) => {
    try {
      const server = await servers.at(to);
      const replies = await server.send(own.flatMap(toCommands), allowance);
      let next = 0;
      for (const { unit, asking } of own) {
        const start = asking ? next + 1 : next;
        next = start + unit.commands.length;
        outcomes.set(unit, { from: to, replies: replies.slice(start, next) });
      }
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      for (const { unit } of own) {
        outcomes.set(unit, { from: to, replies: unit.commands.map(() => error), failure: error });
      }
    }
  });
  for (const result of await Promise.allSettled(sent)) if (result.status === 'rejected') throw result.reason;
  return outcomes;
}

function toCommands({ unit, asking }: Errand): readonly Command[] {
  return asking ? [['asking'], ...unit.commands] : unit.commands;
}
