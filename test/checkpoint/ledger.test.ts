import { describe, expect, test } from 'vitest';
import {
  closeGap,
  type Gap,
  type Ledger,
  type OpenGap,
  openGap,
  openGaps,
  saveProgress,
} from '../../functions/checkpoint/ledger.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';

const NOW = Date.parse('2026-11-01T12:00:00Z');

async function ownLedger(): Promise<Ledger> {
  const client = dynamoClient();
  return { client, table: await ownTable(client), sourceName: 'default', prefix: 'bull' };
}

const gap = (changes: Partial<Gap> = {}): Gap => ({
  queue: 'emails',
  reason: 'trimmed',
  lost: 12,
  exact: true,
  afterId: '10-0',
  beforeId: '22-0',
  detectedAt: NOW,
  ...changes,
});

const open = async (ledger: Ledger) => Array.fromAsync(openGaps(ledger));
const onlyOpen = async (ledger: Ledger) => (await open(ledger))[0] as OpenGap;

describe('the ledger of gaps', () => {
  test('has a gap once, however often it is found', async () => {
    const ledger = await ownLedger();

    await openGap(ledger, gap());
    await openGap(ledger, gap({ detectedAt: NOW + 1 }));

    expect(await open(ledger)).toEqual([{ ...gap(), revision: 1 }]);
  });

  test.each([
    ['without an end', gap({ beforeId: null })],
    ['of a reset', gap({ reason: 'reset', lost: 0, exact: false })],
    ['of a queue with a slash in its name', gap({ queue: 'a/b' })],
  ])('keeps a gap %s unchanged', async (_, found) => {
    const ledger = await ownLedger();
    await openGap(ledger, found);

    expect(await open(ledger)).toEqual([{ ...found, revision: 1 }]);
  });

  test('separates the gaps of sources, by queue and in order', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap({ queue: 'b' }));
    await openGap(ledger, gap({ queue: 'a', afterId: '30-0' }));
    await openGap(ledger, gap({ queue: 'a', afterId: '20-0' }));
    await openGap({ ...ledger, prefix: 'other' }, gap());

    expect((await open(ledger)).map(({ queue, afterId }) => `${queue} ${afterId}`)).toEqual([
      'a 20-0',
      'a 30-0',
      'b 10-0',
    ]);
  });

  test('keeps the progress of the recovery of a gap until the gap is closed', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap());

    expect(await saveProgress(ledger, await onlyOpen(ledger), 'half')).toBe(true);
    expect(await onlyOpen(ledger)).toMatchObject({ progress: 'half' });
    expect(await closeGap(ledger, await onlyOpen(ledger), { completed: 5, failed: 1, unknown: 6 }, NOW)).toBe(true);

    expect(await open(ledger)).toEqual([]);
  });

  test('opens a gap that has grown again, and drops the progress of the old one', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap());
    const old = await onlyOpen(ledger);
    await saveProgress(ledger, old, 'half');
    await openGap(ledger, gap({ lost: 20, beforeId: '30-0' }));

    expect(await open(ledger)).toEqual([{ ...gap({ lost: 20, beforeId: '30-0' }), revision: 2 }]);
    expect(await saveProgress(ledger, old, 'more')).toBe(false);
    expect(await closeGap(ledger, old, { completed: 0, failed: 0, unknown: 12 }, NOW)).toBe(false);
    expect(await open(ledger)).toHaveLength(1);
  });

  test('does not open a closed gap that is found again unchanged', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap());
    await closeGap(ledger, await onlyOpen(ledger), { completed: 0, failed: 0, unknown: 12 }, NOW);
    await openGap(ledger, gap());

    expect(await open(ledger)).toEqual([]);
  });

  test('closes a gap also if the answer was lost and the write was sent again', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap());
    const found = await onlyOpen(ledger);
    const recovery = { completed: 5, failed: 1, unknown: 6 };
    await closeGap(ledger, found, recovery, NOW);

    expect(await closeGap(ledger, found, recovery, NOW)).toBe(true);
    expect(await closeGap(ledger, { ...found, revision: 2 }, recovery, NOW)).toBe(false);
  });

  test('has the gaps of queues whose names are too long for a key', async () => {
    const ledger = await ownLedger();
    const queues = [1000, 1100, 2100].map((length) => 'q'.repeat(length));
    for (const queue of queues)
      for (const afterId of ['1795398834833-0', '1795398834834-0']) await openGap(ledger, gap({ queue, afterId }));

    expect(await open(ledger)).toHaveLength(6);
    for (const queue of queues) {
      const own = (await open(ledger)).filter((found) => found.queue === queue);
      expect(own.map(({ afterId }) => afterId)).toEqual(['1795398834833-0', '1795398834834-0']);
      for (const found of own)
        expect(await closeGap(ledger, found, { completed: 0, failed: 0, unknown: 12 }, NOW)).toBe(true);
    }
    expect(await open(ledger)).toEqual([]);
  });

  test('of a newer format is neither read nor written over', async () => {
    const ledger = await ownLedger();
    await openGap(ledger, gap());
    const found = await onlyOpen(ledger);
    await setFormat(ledger, 'default/bull/gaps', 'emails/10-0', 2);
    const refused = { name: 'CheckpointError', code: 'TABLE_FORMAT' };

    await expect(open(ledger)).rejects.toMatchObject(refused);
    await expect(openGap(ledger, gap({ lost: 20 }))).rejects.toMatchObject(refused);
    await setFormat(ledger, 'default/bull/gaps', 'emails/10-0', 1);
    expect(await open(ledger)).toEqual([found]);
  });

  test('without a table causes a clear error', async () => {
    const ledger = { ...(await ownLedger()), table: 'no-such-table' };

    await expect(openGap(ledger, gap())).rejects.toMatchObject({ name: 'CheckpointError', code: 'TABLE_MISSING' });
    await expect(open(ledger)).rejects.toMatchObject({ name: 'CheckpointError', code: 'TABLE_MISSING' });
  });
});
