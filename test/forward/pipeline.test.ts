import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { runPipeline, type Stages, type Unit } from '../../functions/forward/pipeline.ts';

const never = new AbortController().signal;

const FULL = 5;
const MAX_UNSAVED = 2 * FULL;

const fullUnits = fc.nat(6).map((count) => Array<Unit>(count).fill({ size: FULL, canWait: false }));
const someUnits = fc.array(fc.record({ size: fc.integer({ min: 1, max: FULL }), canWait: fc.boolean() }), {
  minLength: 1,
  maxLength: 8,
});

/** Stages that end one by one, in the order that a scheduler of fast-check chooses. */
function scheduledStages(scheduler: fc.Scheduler, units: readonly Unit[], failing?: string) {
  const trace: string[] = [];
  let next = 0;
  const stage = (name: string, n: number) =>
    scheduler.schedule(Promise.resolve(), `${name} ${n}`).then(() => {
      if (failing === `${name} ${n}`) throw new Error(failing);
      trace.push(`${name} ${n}`);
      return n;
    });
  const stages: Stages<Unit & { readonly n: number }, number> = {
    read: async () => {
      const unit = units[next];
      if (!unit) return undefined;
      next += 1;
      return { ...unit, n: await stage('read', next) };
    },
    settle: async ({ n }) => {
      trace.push(`begin ${n}`);
      return stage('settle', n);
    },
    save: async (settled) => {
      for (const n of settled) await stage('save', n);
    },
    wait: (signal) =>
      Promise.race([
        scheduler.schedule(Promise.resolve(), 'waited'),
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
      ]),
  };
  return { trace, stages };
}

const only = (trace: string[], name: string) =>
  trace.filter((step) => step.startsWith(name)).map((step) => +(step.split(' ')[1] ?? 0));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
/** How much of it there was at each step. */
const steps = (trace: string[]) => trace.map((_, step) => trace.slice(0, step + 1));

describe('the pipeline', () => {
  test.prop([fc.scheduler(), someUnits])(
    'saves every unit in the order of reading, each after it was settled',
    async (scheduler, units) => {
      const { trace, stages } = scheduledStages(scheduler, units);

      await scheduler.waitFor(runPipeline(stages, { drain: never, stop: never }, MAX_UNSAVED));

      expect(only(trace, 'save')).toEqual(upTo(units.length));
      for (const n of upTo(units.length))
        expect(trace.indexOf(`save ${n}`)).toBeGreaterThan(trace.indexOf(`settle ${n}`));
    },
  );

  test.prop([fc.scheduler(), fullUnits])(
    'has at most two full units that are not saved, and reads one ahead',
    async (scheduler, units) => {
      const { trace, stages } = scheduledStages(scheduler, units);

      await scheduler.waitFor(runPipeline(stages, { drain: never, stop: never }, MAX_UNSAVED));

      for (const so of steps(trace)) {
        expect(only(so, 'begin').length - only(so, 'save').length).toBeLessThanOrEqual(2);
        expect(only(so, 'read').length - only(so, 'save').length).toBeLessThanOrEqual(3);
      }
    },
  );

  test.prop([fc.scheduler(), someUnits])(
    'never exceeds the limit of unsaved units, and settles two at once, whatever may wait',
    async (scheduler, units) => {
      const { trace, stages } = scheduledStages(scheduler, units);

      await scheduler.waitFor(runPipeline(stages, { drain: never, stop: never }, MAX_UNSAVED));

      const size = (all: number[]) => all.reduce((sum, n) => sum + (units[n - 1]?.size ?? 0), 0);
      for (const so of steps(trace)) {
        expect(size(only(so, 'begin')) - size(only(so, 'save'))).toBeLessThanOrEqual(MAX_UNSAVED);
        expect(only(so, 'begin').length - only(so, 'settle').length).toBeLessThanOrEqual(2);
      }
    },
  );

  const stageOf = fc.constantFrom('read', 'settle', 'save');
  test.prop([fc.scheduler(), someUnits, stageOf, fc.nat()])(
    'throws the error of a stage, and saves only the units that were settled before',
    async (scheduler, units, stage, nth) => {
      const failing = (nth % units.length) + 1;
      const { trace, stages } = scheduledStages(scheduler, units, `${stage} ${failing}`);

      const running = runPipeline(stages, { drain: never, stop: never }, MAX_UNSAVED).catch(
        (error: Error) => error.message,
      );
      const message = await scheduler.waitFor(running);

      expect(message).toBe(`${stage} ${failing}`);
      const before = upTo(failing - 1).filter((n) => stage !== 'save' || units[n - 1]?.canWait === false);
      expect(only(trace, 'save').every((saved) => saved < failing)).toBe(true);
      expect(only(trace, 'save')).toEqual(expect.arrayContaining(before));
    },
  );

  /** Small units that can wait; what is saved together is in one list. */
  function waiting(count: number) {
    const saved: number[][] = [];
    const due = Promise.withResolvers<void>();
    const stages: Stages<Unit & { readonly n: number }, number> = {
      read: async () => undefined,
      settle: async ({ n }) => n,
      save: async (settled) => {
        saved.push([...settled]);
      },
      wait: () => due.promise,
    };
    const left = upTo(count).map((n) => ({ n, size: 1, canWait: true }));
    return { saved, stages, left, due: due.resolve };
  }

  test('saves units that can wait together, as many as there is room for', async () => {
    const { saved, stages, left } = waiting(25);

    await runPipeline({ ...stages, read: async () => left.shift() }, { drain: never, stop: never }, MAX_UNSAVED);

    expect(saved.flat()).toEqual(upTo(25));
    expect(saved).toHaveLength(3);
  });

  test('saves a unit that can wait once it has waited, also if no unit follows', async () => {
    const { saved, stages, left, due } = waiting(3);
    const drain = new AbortController();
    const read = async (signal: AbortSignal) =>
      left.shift() ??
      new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
    const running = runPipeline({ ...stages, read }, { drain: drain.signal, stop: never }, MAX_UNSAVED);
    await expect.poll(() => left).toEqual([]);
    expect(saved).toEqual([]);

    due();

    await expect.poll(() => saved).toEqual([[1, 2, 3]]);
    drain.abort();
    await running;
    expect(saved).toHaveLength(1);
  });

  test('told to drain, reads no more and finishes its units', async () => {
    const drain = new AbortController();
    const saved: number[] = [];
    let n = 0;
    await runPipeline<Unit, number>(
      {
        read: async () => {
          n += 1;
          return { size: 1, canWait: n > 1 };
        },
        settle: async () => {
          if (n === 3) drain.abort();
          return saved.length;
        },
        save: async (settled) => {
          saved.push(...settled);
        },
        wait: () => new Promise(() => {}),
      },
      { drain: drain.signal, stop: never },
      MAX_UNSAVED,
    );

    expect(saved).toHaveLength(n);
    expect(n).toBeLessThan(6);
  });

  test('told to stop, gives up its units, and saves only the units that were settled before', async () => {
    const stop = new AbortController();
    const saved: number[] = [];
    const hanging = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    let n = 0;
    const running = runPipeline<Unit, number>(
      {
        read: async () => {
          n += 1;
          return { size: 1, canWait: true };
        },
        settle: async (_, signal) => {
          if (n === 1) return n;
          const given = hanging(signal);
          stop.abort(new Error('deadline'));
          return given;
        },
        save: async (settled) => {
          saved.push(...settled);
        },
        wait: () => new Promise(() => {}),
      },
      { drain: never, stop: stop.signal },
      MAX_UNSAVED,
    );

    await expect(running).rejects.toThrow('deadline');
    expect(saved).toEqual([1]);
  });
});
