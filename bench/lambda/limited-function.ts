import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FunctionError, type FunctionOptions, type LocalFunction } from '../../local/lambda/function.ts';
import { start, stop } from '../../local/process.ts';
import { MB_OF_ONE_VCPU } from '../price.ts';
import { createControlGroup } from './control-group.ts';

/** A function with the processor share and the memory that Lambda gives to its size. */
export interface LimitedFunction<Result> extends Pick<LocalFunction<Result>, 'invoke' | 'usage'>, AsyncDisposable {
  /** Milliseconds of the init phase: from the start of the process until the module is loaded. */
  readonly init: number;
}

const BOOTSTRAP = fileURLToPath(new URL('../../local/lambda/bootstrap.mjs', import.meta.url));
const LOADED = new URL('loaded.mjs', import.meta.url).href;

/** The error name of a function that was killed at its memory limit. */
export const OUT_OF_MEMORY = 'Runtime.OutOfMemory';

/** Joins the groups before the program starts: memory stays charged to the group that allocated it. */
const JOIN = 'echo $$ >"$1" && echo $$ >"$2" && shift 2 && exec "$@"';

interface Message {
  readonly init?: number;
  readonly result?: unknown;
  readonly error?: { readonly errorType: string; readonly errorMessage: string };
  readonly maxMemory?: number;
  readonly cpu?: NodeJS.CpuUsage;
}

/**
 * Starts a function of a size, and resolves after its init phase.
 *
 * As on Lambda, the init phase has a whole processor, and runs have the share that belongs to the memory.
 * @param size MB of memory
 */
export async function startLimitedFunction<Result>(
  { bundle, environment, timeout = 75, nodeOptions = [] }: FunctionOptions,
  size: number,
): Promise<LimitedFunction<Result>> {
  await using starting = new AsyncDisposableStack();
  const group = starting.use(await createControlGroup(size * 2 ** 20));
  const name = 'bullbridge-forward';
  // The heap limits of Lambda's Node image: a tenth of the memory for new objects, the rest for old objects.
  const heap = [
    `--max-semi-space-size=${Math.floor(size / 20)}`,
    `--max-old-space-size=${size - Math.floor(size / 10)}`,
  ];
  const program = [process.execPath, ...heap, ...nodeOptions, BOOTSTRAP, LOADED, pathToFileURL(bundle).href];
  const child = starting.adopt(
    start('/bin/sh', ['-c', JOIN, 'join', ...group.joins, ...program], {
      ipc: true,
      env: {
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${size}`,
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        TZ: ':UTC',
        ...environment,
      },
    }),
    stop,
  );
  const exit = once(child, 'exit');

  /** The next message of the process. */
  async function next(): Promise<Message> {
    const ended = exit.then(() => {
      if (group.kills > 0)
        throw new FunctionError(OUT_OF_MEMORY, `it was killed because it needed more than ${size} MB`);
      throw new FunctionError('Runtime.ExitError', 'the process of the function ended');
    });
    const [message] = await Promise.race([once(child, 'message'), ended]);
    const { error } = message as Message;
    if (error) throw new FunctionError(error.errorType, error.errorMessage);
    return message as Message;
  }

  const { init = 0 } = await next();
  group.limitCpu(Math.min(1, size / MB_OF_ONE_VCPU));
  let usage = { maxMemory: 0, cpu: 0 };
  const started = starting.move();
  return {
    init,
    async invoke(event = {}) {
      child.send({ event, requestId: randomUUID(), deadline: Date.now() + timeout * 1000, memory: size, name });
      const { result, maxMemory = 0, cpu = { user: 0, system: 0 } } = await next();
      // The group counts less than the process: no memory that is shared with others, such as the program itself.
      usage = { maxMemory: group.peak ?? maxMemory, cpu: (cpu.user + cpu.system) / 1000 };
      return result as Result;
    },
    get usage() {
      return usage;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
