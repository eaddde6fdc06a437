import { test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { repetitions } from '../effort.ts';
import { live } from './life.ts';
import { rewritingSteps, steps } from './steps.ts';

describe('whatever happens', () => {
  test.prop([steps], { numRuns: repetitions(100, 25) })(
    'no position passes an entry that is not settled, in the end every entry is, and losses are counted exactly',
    (all) => live(all),
  );

  test.prop([rewritingSteps], { numRuns: repetitions(100, 25) })(
    'also to a stream that is deleted and rolled back: entries that are there are forwarded, and the others reported',
    (all) => live(all),
  );

  test('except that a roll-back is invisible once the stream has trimmed exactly as many entries as were read', async () => {
    const entries = (count: number) => Array<string>(count).fill('completed');
    await live([
      { kind: 'append', events: entries(10) },
      { kind: 'run', faults: [] },
      { kind: 'failover', events: entries(5), read: true, after: [], behind: false },
      // Entries 11 to 15 again, of which nobody has read these, and those behind them.
      { kind: 'trim', events: entries(12), keep: 7 },
    ]);
  });
});
