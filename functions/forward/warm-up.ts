import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { HttpResponse } from '@smithy/core/protocols';
import { createConcurrencyLimit } from '../bus/concurrency.ts';
import { checkEventBus } from '../bus/eventbridge/check.ts';
import { type EventBus, LIMITS } from '../bus/eventbridge/port.ts';
import { createPublisher } from '../bus/publish.ts';
import { takeLease } from '../checkpoint/lease.ts';
import { loadCheckpoints, saveCheckpoint } from '../checkpoint/positions.ts';
import { createFilter } from '../event/filter.ts';
import { createReplyReader } from '../redis/reply-reader.ts';
import { toEntries } from '../stream/entry.ts';
import type { Page, Position } from '../stream/position.ts';
import { toOutgoing } from './outgoing.ts';

/** Repetitions, and entries of a sweep. More of them shorten the first runs a little, but lengthen the init phase. */
const ROUNDS = 3;
const ENTRIES = 1000;

const NAME = 'warm-up';
const wait = async () => {};
const warn = () => {};
const passes = createFilter(['completed']);
const { signal } = new AbortController();

/**
 * Runs the code of a run on made-up entries and answers, so that the engine has compiled it before the first run. It
 * connects to nothing.
 *
 * Lambda gives the init phase more of a processor than the runs of a small function: at 256 MB, a run has a seventh.
 * `npm run bench -- lambda` measures the first run.
 */
export async function warmUp(): Promise<void> {
  const table = { client: new DynamoDBClient(answered), table: NAME, now: () => new Date(), wait };
  const bus = new EventBridgeClient(answered);
  const reply = createReply();
  const publish = createPublisher({
    bus: BUS,
    park: wait,
    concurrency: createConcurrencyLimit(1),
    wait,
    warn,
    random: Math.random,
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    await takeLease(table, NAME, NAME);
    await loadCheckpoints(table, [NAME]);
    await saveCheckpoint(table, { key: NAME, previous: undefined, next: POSITION }, 1);
    await checkEventBus(bus, NAME, { wait, warn, signal });
    const { items } = toOutgoing([pageIn(reply)], { sourceName: NAME, prefix: NAME, passes, detectedAt: table.now() });
    await publish(
      items.map(({ entry }) => entry),
      signal,
    );
  }
}

/** The client of the SDK does all of its work but sending. */
const answered = {
  region: 'local',
  credentials: { accessKeyId: NAME, secretAccessKey: NAME },
  maxAttempts: 1,
  requestHandler: {
    handle: async () => ({ response: new HttpResponse({ statusCode: 200, body: Buffer.from('{}') }) }),
  },
};

const POSITION: Position = { kind: 'entry', id: '1-0', ordinal: 1, digest: NAME };

/** As most streams are: three of four entries do not pass the filter. */
const FIELDS = [
  ['event', 'added', 'jobId', '1', 'name', NAME],
  ['event', 'waiting', 'jobId', '1'],
  ['event', 'active', 'jobId', '1', 'prev', 'waiting'],
  ['event', 'completed', 'jobId', '1', 'returnvalue', '{"ok":true}', 'prev', 'active'],
];

/** Entries as Redis sends them. */
function createReply(): Buffer {
  const lines = [`*${ENTRIES}`];
  for (let n = 0; n < ENTRIES; n += 1) {
    const fields = FIELDS[n % FIELDS.length] ?? [];
    lines.push('*2', ...bulk(`2-${n}`), `*${fields.length}`, ...fields.flatMap(bulk));
  }
  return Buffer.from([...lines, ''].join('\r\n'));
}

function pageIn(reply: Buffer): Page {
  const reader = createReplyReader({ replies: 1, isLazy: () => true });
  reader.read(reply);
  return { queue: NAME, from: POSITION, start: POSITION, entries: toEntries(reader.replies[0]) };
}

function bulk(text: string): readonly string[] {
  return [`$${Buffer.byteLength(text)}`, text];
}

const BUS: EventBus = {
  name: NAME,
  limits: LIMITS,
  put: async (entries) => entries.map(() => ({ EventId: NAME })),
  check: async () => undefined,
};
