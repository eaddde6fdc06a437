import { stripVTControlCharacters } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { BullmqEventName } from '../../functions/event/catalogue.ts';
import { EVENTS, eventLine, type ForwardedDetail } from '../../local/start/event-line.ts';
import { createTerminal } from '../../local/start/terminal.ts';
import { widthOf } from '../../local/start/text-width.ts';
import { anyCharacter } from '../any-character.ts';

/** A terminal of so many columns, as far as the program can tell, and what is written to it. */
function ofColumns(columns: number | undefined) {
  const written: string[] = [];
  const stream = Object.assign(Object.create(process.stdout), {
    isTTY: columns !== undefined,
    columns,
    write: (text: string) => written.push(text),
    // `NO_COLOR` of whoever runs the tests must not matter.
    hasColors: () => columns !== undefined,
    getColorDepth: () => (columns === undefined ? 1 : 8),
  }) as NodeJS.WriteStream;
  return { terminal: createTerminal({ stdout: stream, stderr: stream }), text: () => written.join('') };
}

function detailOf(event: BullmqEventName, values: object): ForwardedDetail {
  return {
    version: '1',
    sourceName: 'local',
    prefix: 'bull',
    queue: 'emails',
    event,
    timestamp: 0,
    ...values,
  } as never;
}

const shownIn = (columns: number, detail: ForwardedDetail) => {
  const { terminal, text } = ofColumns(columns);
  terminal.row(...eventLine({ type: 'Job Completed', detail, age: 1234 }, terminal.columns));
  return text();
};

describe('an event line', () => {
  test.each([
    [40, '  Job Completed  emails    #7    {"to"…'],
    [80, '  Job Completed  emails    #7    {"to":"someone@example.com"}     after 1234 ms'],
    [120, `  Job Completed  emails    #7    {"to":"someone@example.com"}${' '.repeat(17)}after 1234 ms`],
  ])('in %i columns is %j', (columns, expected) => {
    const detail = detailOf('completed', { jobId: '7', returnvalue: { to: 'someone@example.com' } });

    expect(stripVTControlCharacters(shownIn(columns, detail)).trimEnd()).toBe(expected);
  });

  test.each([
    ['completed', { returnvalue: false }, 'false'],
    ['completed', { returnvalue: null }, 'null'],
    ['completed', {}, '#1 '],
    ['failed', { failedReason: 'card declined' }, '"card declined"'],
    ['progress', { data: 0 }, ' 0 '],
    ['stalled', {}, '#1 '],
  ] as const)('of %s with %j has %j', (event, values, expected) => {
    expect(shownIn(100, detailOf(event, { jobId: '1', ...values }))).toContain(expected);
  });

  test.prop([
    fc.integer({ min: 10, max: 200 }),
    fc.constantFrom(...EVENTS),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: anyCharacter }),
    fc.jsonValue(),
  ])('fits, and has no control characters except its own colours', (columns, event, queue, jobId, value) => {
    const values = { returnvalue: value, data: value, failedReason: JSON.stringify(value) };

    const line = stripVTControlCharacters(shownIn(columns, detailOf(event, { queue, jobId, ...values })));

    expect(line.endsWith('\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    expect(widthOf(line.slice(0, -1))).toBeLessThan(columns);
  });
});

describe('a terminal', () => {
  test('cuts the progress line to its width, and draws it again below each line', () => {
    const { terminal, text } = ofColumns(20);

    terminal.progress('日本語日本語日本語日本語');
    terminal.line('a line');

    expect(text()).toBe('\r\u001b[2K日本語日本語日本語…\r\u001b[2Ka line\n\r\u001b[2K日本語日本語日本語…');
  });

  test('escapes the control characters of every text', () => {
    const { terminal, text } = ofColumns(80);

    terminal.line('\u001b]0;title\u0007', { text: '\u001b[2J', style: 'dim' });
    terminal.row('a\nb');
    terminal.progress('\u001b[H');
    terminal.fault('\u009b1A');

    expect(text().replaceAll('\r\u001b[2K', '')).toBe(
      '\\u001b]0;title\\u0007\u001b[2m\\u001b[2J\u001b[22m\na\\u000ab\n\\u001b[H\u001b[31m\\u009b1A\u001b[39m\n\\u001b[H',
    );
  });

  test('that is only a pipe gets whole lines, without colours and progress', () => {
    const { terminal, text } = ofColumns(undefined);

    terminal.progress('1 of 2');
    terminal.row('x'.repeat(300), { text: 'red', style: 'red' });

    expect(text()).toBe(`${'x'.repeat(300)}red\n`);
  });
});
