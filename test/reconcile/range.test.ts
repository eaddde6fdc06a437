import { describe, expect, test } from 'vitest';
import { toRequest } from '../../functions/reconcile/request.ts';
import { withName } from '../titles.ts';
import { type GapStack, gapStack, HOUR, NOW } from './gaps.ts';

const iso = (time: number) => new Date(time).toISOString();
const jobIds = (stack: GapStack) => stack.recovered().map(({ jobId }) => jobId);
const result = { gaps: 0, completed: 0, failed: 0, unknown: 0, caughtUp: true };

describe('a payload with a queue and a time', () => {
  test('recovers the jobs that finished then, each as a possible duplicate, and changes no gap', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', [
      { id: 'before', at: NOW - 1 },
      { id: 'first', at: NOW },
      { id: 'last', at: NOW + HOUR },
      { id: 'after', at: NOW + HOUR + 1 },
    ]);
    await stack.finish('failed', [{ id: 'declined', at: NOW + 5 }]);
    await stack.admin.xadd(`${stack.prefix}:q:events`, `${NOW}-0`, 'event', 'completed', 'jobId', 'first');

    expect(await stack.reconcile.invoke({ queue: 'q', since: iso(NOW), until: NOW + HOUR })).toEqual({
      ...result,
      completed: 2,
      failed: 1,
    });

    expect(jobIds(stack)).toEqual(['first', 'last', 'declined']);
    expect(stack.recovered().every(({ possibleDuplicate }) => possibleDuplicate === true)).toBe(true);
    expect(stack.news('Events Recovered')).toEqual([]);
    expect(await stack.openGaps()).toEqual([expect.not.objectContaining({ progress: expect.anything() })]);
  });

  test('is recovered in several runs if one has too little time, from cursor to cursor', async () => {
    const stack = await gapStack();
    const request = { queue: 'q', since: NOW, until: NOW + HOUR };
    await stack.finish(
      'completed',
      Array.from({ length: 1200 }, (_, n) => ({ id: `${n}`, at: NOW + Math.floor(n / 7) })),
    );
    await stack.finish('failed', [{ id: 'declined' }]);
    let cursor: string | undefined;
    const runs: number[] = [];
    do {
      const report = await stack.runOnce({ request: toRequest({ ...request, ...(cursor && { cursor }) }) });
      expect(report.caughtUp).toBe(report.cursor === undefined);
      runs.push(report.completed + report.failed);
      cursor = report.cursor;
    } while (cursor !== undefined);

    expect(runs.length).toBeGreaterThan(3);
    expect(Math.max(...runs)).toBeLessThanOrEqual(500);
    expect(jobIds(stack)).toHaveLength(1201);
    expect(new Set(jobIds(stack)).size).toBe(1201);
  });

  test.each([iso(NOW), NOW, '2026-11-01T12:00', '2026-11-01T14:00:00+02:00'])('may have the time %s', async (since) => {
    const stack = await gapStack();
    await stack.finish('completed', [
      { id: 'before', at: NOW - 1 },
      { id: 'at', at: NOW },
    ]);

    expect(await stack.reconcile.invoke({ queue: 'q', since, until: '2026-11-02' })).toMatchObject({ completed: 1 });
  });

  test.each(
    withName(
      [{ queue: 'q' }, ['since in the payload is not set; it must be an ISO date', 'until in the payload is not set']],
      [{ queue: 'a:b', since: 1, until: 2 }, ['queue in the payload is "a:b"; it must be the name of a queue']],
      [{ queue: 'q', since: 'noon', until: 1.5 }, ['since in the payload is "noon"', 'until in the payload is 1.5']],
      [{ queue: 'q', since: '2026-13-01', until: 2 }, ['since in the payload is "2026-13-01"']],
      [{ queue: 'q', since: 2, until: 1 }, ['since in the payload is later than until']],
      [
        { queue: 'q', since: 1, until: 2, form: 1 },
        ['the payload has "form", which is not known; it must be nothing, or {'],
      ],
      [
        { queue: 'q', since: 1, until: 2, cursor: 'x' },
        ['cursor in the payload is "x"; it must be the cursor that an earlier run'],
      ],
      [{ queue: 'q', since: 1, until: 2, cursor: 'failed/9/' }, ['cursor in the payload belongs to other times']],
      ['all', ['the payload is "all"; it must be nothing, or {']],
    ),
  )('is refused with all faults at once: %s', async (_, payload, faults) => {
    const stack = await gapStack();

    const error = await stack.reconcile.invoke(payload).catch((reason: Error) => reason);

    expect(error).toMatchObject({ name: 'ConfigError' });
    for (const fault of faults) expect((error as Error).message).toContain(fault);
  });
});
