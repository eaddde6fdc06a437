import { describe, expect, test } from 'vitest';
import type { JobPart } from '../../functions/event/job.ts';
import { parseJobFields } from '../../functions/event/job-fields.ts';
import { createJobLoader } from '../../functions/forward/job-loader.ts';
import { beginning, type Page } from '../../functions/stream/position.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const MB = 1_000_000;

/**
 * A sweep of two queues; each event is of a job of its own, but for the last one, which is of the first job of its
 * queue.
 */
async function sweepOf(prefix: string, jobs: number, bytes: number): Promise<Page[]> {
  const admin = adminRedis();
  const data = `"${'x'.repeat(bytes)}"`;
  const ids = Array.from({ length: jobs }, (_, n) => `${n + 1}`);
  const pages = ['a', 'b'].map((queue): Page => {
    const entries = (queue === 'a' ? ids : [...ids, '1']).map((id, n) => ({
      id: `${n + 1}-0`,
      fields: ['event', 'completed', 'jobId', id].map((text) => Buffer.from(text)),
    }));
    return { queue, from: beginning(0), start: beginning(0), entries };
  });
  for (const { queue } of pages)
    for (const id of ids) await admin.hset(`${prefix}:${queue}:${id}`, { name: `${queue}${id}`, timestamp: 1, data });
  return pages;
}

const loaderOf = async (prefix: string, maxBytes: number) =>
  createJobLoader(await runConnection(), {
    prefix,
    passes: (event) => event === 'completed',
    jobs: { fields: parseJobFields('name+data') ?? new Map(), maxBytes },
  });

const idsOf = (pages: readonly Page[]) => pages.map(({ queue, entries }) => [queue, entries.map(({ id }) => id)]);

function told(part: JobPart | undefined) {
  return JSON.parse(`${part?.json}`);
}

describe('the jobs of a sweep', () => {
  test('are loaded together, and found by queue and id', async () => {
    const prefix = ownPrefix();
    const all = await sweepOf(prefix, 3, 10);
    const load = await loaderOf(prefix, 4096);

    const { sweep, rest, jobOf } = await load(all, AbortSignal.abort());

    expect({ sweep, rest }).toEqual({ sweep: all, rest: [] });
    const names = sweep.flatMap(({ entries }) => entries.map((entry) => told(jobOf(entry)).name));
    expect(names).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'b1']);
  });

  test('are loaded in parts if they are large: the rest follows, unless the run must end', async () => {
    const prefix = ownPrefix();
    const all = await sweepOf(prefix, 3, 5 * MB);
    const load = await loaderOf(prefix, 4096);

    const { sweep, rest, jobOf } = await load(all, AbortSignal.abort());

    const total = [...sweep, ...rest].flatMap(({ entries }) => entries);
    expect(total).toHaveLength(7);
    expect(rest.length).toBeGreaterThan(0);
    for (const { queue, entries } of sweep) {
      for (const entry of entries)
        expect(told(jobOf(entry))).toEqual({ name: expect.stringMatching(`^${queue}`), omitted: ['data'] });
    }
    const whole = await load(all, new AbortController().signal);
    expect(idsOf(whole.sweep)).toEqual(idsOf(all));
    expect(whole.rest).toEqual([]);
  });

  test('are as many as memory has room for', async () => {
    const prefix = ownPrefix();
    const all = await sweepOf(prefix, 12, 0.9 * MB);
    const load = await loaderOf(prefix, MB);
    const never = new AbortController().signal;
    const parts: (readonly Page[])[] = [];

    for (let left: readonly Page[] = all; left.length > 0; ) {
      const { sweep, rest } = await load(left, never);
      parts.push(sweep);
      left = rest;
    }

    expect(parts.length).toBeGreaterThan(2);
    const idsIn = (pages: readonly Page[]) =>
      pages.flatMap(({ queue, entries }) => entries.map(({ id }) => queue + id));
    expect(parts.flatMap(idsIn)).toEqual(idsIn(all));
  });
});
