import { readFileSync, writeFileSync } from 'node:fs';
import { connectRedis } from '../../functions/redis/connect.ts';
import { Elided } from '../../functions/redis/port.ts';

/** The most memory this process has had since the last reset, in bytes. */
function peak(): number {
  return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

/** Reads a stream with a large value, and prints what came and how much memory it took. */
async function main([url = '', key = '']: readonly string[]) {
  const redis = await connectRedis({ url, commandTimeout: 60_000 });
  const read = () => redis.send([['xrange', key, '-', '+']], { maxValueBytes: 100_000, maxBytes: 1_000_000 });
  await redis.send([['xrange', key, '2-0', '+']]);
  // Resets the peak: https://docs.kernel.org/filesystems/proc.html
  writeFileSync('/proc/self/clear_refs', '5');
  const before = peak();
  const [entries] = (await read()) as [[string, (string | Elided)[]][]];
  const fields = entries[0]?.[1].map((value) => (value instanceof Elided ? value.bytes : value));
  process.stdout.write(JSON.stringify({ fields, extra: peak() - before }));
  redis.close();
}

main(process.argv.slice(2));
