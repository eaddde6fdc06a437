import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { runPipeline } from '../../functions/forward/pipeline.ts';

const never = new AbortController().signal;

/** Stages that end one by one, in the order that a scheduler of fast-check chooses. */
function scheduledStages(scheduler: fc.Scheduler, count: number, failing?: string) {
  const trace: string[] = [];
  let next = 0;
  const stage = (name: string, unit: number) =>
    scheduler.schedule(Promise.resolve(), `${name} ${unit}`).then(() => {
      if (failing === `${name} ${unit}`) throw new Error(failing);
      trace.push(`${name} ${unit}`);
      return unit;
    });
  return {
    trace,
    stages: {
      read: async () => {
        if (next === count) return undefined;
        next += 1;
        return stage('read', next);
      },
      settle: (unit: number) => stage('settle', unit),
      save: async (unit: number) => {
        await stage('save', unit);
      },
    },
  };
}

const only = (trace: string[], name: string) =>
  trace.filter((step) => step.startsWith(name)).map((step) => +(step.split(' ')[1] ?? 0));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

describe('the pipeline', () => {
  test.prop([fc.scheduler(), fc.nat(6)])(
    'saves every unit in the order of reading, each after it was settled',
    async (scheduler, count) => {
      const { trace, stages } = scheduledStages(scheduler, count);

      await scheduler.waitFor(runPipeline(stages, { drain: never, stop: never }));

      expect(only(trace, 'save')).toEqual(upTo(count));
      for (const unit of upTo(count))
        expect(trace.indexOf(`save ${unit}`)).toBeGreaterThan(trace.indexOf(`settle ${unit}`));
    },
  );

  test.prop([fc.scheduler(), fc.nat(6)])(
    'has at most two units that are not saved, and reads one ahead',
    async (scheduler, count) => {
      const { trace, stages } = scheduledStages(scheduler, count);

      await scheduler.waitFor(runPipeline(stages, { drain: never, stop: never }));

      for (let step = 0; step < trace.length; step += 1) {
        const so = trace.slice(0, step + 1);
        expect(only(so, 'settle').length - only(so, 'save').length).toBeLessThanOrEqual(2);
        expect(only(so, 'read').length - only(so, 'save').length).toBeLessThanOrEqual(3);
      }
    },
  );

  const stageOf = fc.constantFrom('read', 'settle', 'save');
  test.prop([fc.scheduler(), stageOf, fc.integer({ min: 1, max: 5 })])(
    'throws what a stage throws, and saves nothing behind it',
    async (scheduler, stage, unit) => {
      const { trace, stages } = scheduledStages(scheduler, 5, `${stage} ${unit}`);

      const running = runPipeline(stages, { drain: never, stop: never }).catch((error: Error) => error.message);
      const message = await scheduler.waitFor(running);

      expect(message).toBe(`${stage} ${unit}`);
      expect(only(trace, 'save').every((saved) => saved < unit)).toBe(true);
    },
  );

  test('told to drain, reads no more and finishes what is under way', async () => {
    const drain = new AbortController();
    const saved: number[] = [];
    let unit = 0;
    await runPipeline(
      {
        read: async () => {
          unit += 1;
          return unit;
        },
        settle: async () => {
          if (unit === 3) drain.abort();
        },
        save: async (work) => {
          saved.push(work);
        },
      },
      { drain: drain.signal, stop: never },
    );

    expect(saved).toEqual(upTo(unit));
    expect(unit).toBeLessThan(6);
  });

  test('told to stop, gives up what is under way and saves no more', async () => {
    const stop = new AbortController();
    const saved: number[] = [];
    const hanging = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const running = runPipeline(
      {
        read: async () => 1,
        settle: (_, signal) => {
          const given = hanging(signal);
          stop.abort(new Error('deadline'));
          return given;
        },
        save: async (work) => {
          saved.push(work);
        },
      },
      { drain: never, stop: stop.signal },
    );

    await expect(running).rejects.toThrow('deadline');
    expect(saved).toEqual([]);
  });
});
