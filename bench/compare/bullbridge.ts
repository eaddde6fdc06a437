import type { ForwardResult } from '../../functions/forward/handler.ts';
import { BUS } from '../../local/stack.ts';
import { type HeardEvent, keyOf } from './jobs.ts';
import type { CreateWay } from './way.ts';

const EVENTS: readonly HeardEvent[] = ['completed', 'failed', 'progress'];

/** The built function, and a subscriber behind a rule. */
export const forwardWithBullbridge: CreateWay = async ({ prefix, startStack }, hear) => {
  const stack = await startStack({
    BULLBRIDGE_PREFIX: prefix,
    BULLBRIDGE_EVENTS: EVENTS.join(),
    BULLBRIDGE_TAIL: 'never',
  });
  let entries = 0;
  let lost = 0;
  let recovered = 0;
  let unparsed = 0;
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'], detail: { event: EVENTS } },
    deliver: ({ detail }) => {
      if (detail['unparsed']) unparsed += 1;
      hear(keyOf(detail['event'] as HeardEvent, String(detail['jobId'])), detail['possibleDuplicate'] === true);
    },
  });
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullbridge'], 'detail-type': ['Events Lost'] },
    deliver: ({ detail }) => {
      lost += Number(detail['lost']);
    },
  });

  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullbridge'], 'detail-type': ['Events Recovered'] },
    deliver: ({ detail }) => {
      recovered += Number(detail['completed']) + Number(detail['failed']);
    },
  });

  async function forward(): Promise<ForwardResult> {
    const result = await stack.forward.invoke();
    entries += result.published + result.filtered + result.parked + result.lost;
    return result;
  }

  return {
    async start() {
      await forward();
    },
    async settle() {
      while (!(await forward()).caughtUp);
    },
    async sync() {
      while (!(await stack.reconcile.invoke()).caughtUp);
    },
    /** The next invocation starts another process, which knows only what the table has. */
    async stop() {
      await stack.forward[Symbol.asyncDispose]();
    },
    account: () => ({ entries, lost }),
    remarks: () => [
      ...(lost > 0 ? [`\`Events Lost\`: ${lost.toLocaleString('en')} entries of all kinds`] : []),
      ...(recovered > 0 ? [`\`Events Recovered\`: ${recovered.toLocaleString('en')}, with those heard again`] : []),
      ...(unparsed > 0 ? [`${unparsed} event with \`unparsed\``] : []),
    ],
    async [Symbol.asyncDispose]() {
      await stack[Symbol.asyncDispose]();
    },
  };
};
