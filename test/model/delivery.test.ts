import { test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { live } from './life.ts';
import { rewritingSteps, steps } from './steps.ts';

describe('whatever happens', () => {
  test.prop([steps], { numRuns: 100 })(
    'no position passes an entry that is not settled, in the end every entry is, and losses are counted exactly',
    (all) => live(all),
  );

  test.prop([rewritingSteps], { numRuns: 100 })(
    'also to a stream that is deleted and rolled back: what is there is forwarded, and what is gone is told',
    (all) => live(all),
  );
});
