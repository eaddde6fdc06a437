import {
  createFunction,
  FunctionError,
  type FunctionOptions,
  type LocalFunction,
} from '../../local/lambda/function.ts';
import { MB_OF_ONE_VCPU } from '../price.ts';
import { createControlGroup } from './control-group.ts';

/** A function with the processor share and the memory that Lambda gives to its size. */
export interface LimitedFunction<Result> extends Pick<LocalFunction<Result>, 'invoke' | 'usage'>, AsyncDisposable {
  /** Milliseconds of the init phase: from the start of the process until the module is loaded. */
  readonly init: number;
}

/** The error name of a function that was killed at its memory limit. */
export const OUT_OF_MEMORY = 'Runtime.OutOfMemory';

/** Joins the groups before the program starts: memory stays charged to the group that allocated it. */
const JOIN = 'echo $$ >"$1" && echo $$ >"$2" && shift 2 && exec "$@"';

/**
 * Starts a function of a size, and resolves after its init phase.
 *
 * As on Lambda, the init phase has a whole processor, and runs have the share that belongs to the memory.
 * @param size MB of memory
 */
export async function startLimitedFunction<Result>(
  options: FunctionOptions,
  size: number,
): Promise<LimitedFunction<Result>> {
  await using starting = new AsyncDisposableStack();
  const group = starting.use(await createControlGroup(size * 2 ** 20));
  const launcher = ['/bin/sh', '-c', JOIN, 'join', ...group.joins];
  const program = starting.use(createFunction<Result>({ ...options, memory: size, launcher }));
  const failed = (error: unknown) => {
    if (group.kills === 0) throw error;
    throw new FunctionError(OUT_OF_MEMORY, `it was killed because it needed more than ${size} MB`);
  };
  const init = await program.init().catch(failed);
  group.limitCpu(Math.min(1, size / MB_OF_ONE_VCPU));
  const started = starting.move();
  return {
    init,
    invoke: (event) => program.invoke(event).catch(failed),
    get usage() {
      const { maxMemory, cpu } = program.usage;
      // The group counts less than the process: no memory that is shared with others, such as the program itself.
      return { maxMemory: group.peak ?? maxMemory, cpu };
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
