import { fc, test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { repetitions } from '../effort.ts';
import { skipWithout } from '../test-with.ts';
import { live, type Origin } from './life.ts';
import { rewritingSteps, steps } from './steps.ts';

skipWithout('counting server');

const origins = fc.constantFrom<Origin>('named', 'found', 'uncounted');

describe('whatever happens', () => {
  test.prop([steps, origins], { numRuns: repetitions(100, 15) })(
    'no position passes an unsettled entry, every entry is settled at the end, and losses are counted exactly',
    (all, origin) => live(all, undefined, origin),
  );

  test.prop([rewritingSteps, origins], { numRuns: repetitions(100, 15) })(
    'also to a stream that is deleted and rolled back: existing entries are forwarded, and the others are reported',
    (all, origin) => live(all, undefined, origin),
  );

  test('except that a roll-back is not visible once the stream has trimmed exactly as many entries as were read', async () => {
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
