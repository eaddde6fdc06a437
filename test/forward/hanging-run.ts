import type { TestStack } from '../stack.ts';

/** Starts a run that has the lease and waits for an answer of the bus. @returns its end, which is no failure */
export async function hangingRun({ bus, forward }: TestStack): Promise<{ readonly ended: Promise<unknown> }> {
  const publishing = Promise.withResolvers<void>();
  bus.faults.putEvents = () => {
    publishing.resolve();
    return { kind: 'hang' };
  };
  const ended = forward.invoke({}).catch(() => undefined);
  await publishing.promise;
  return { ended };
}
