import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { start, stop } from '../process.ts';

/** The error of a function; its name is the error type. */
export class FunctionError extends Error {
  constructor(errorType: string, message: string) {
    super(message);
    this.name = errorType;
  }
}

export interface FunctionOptions {
  /** @default 'forward' */
  readonly name?: string;
  /** Path of the bundle, such as `dist/lambda/forward/index.mjs`. */
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds until an invocation is ended by force. @default 75 */
  readonly timeout?: number;
  /** Called with each line that the function prints. @default lines are dropped */
  readonly onLog?: (line: string) => void;
  readonly nodeOptions?: readonly string[];
  /** MB of memory, which decide on the heap of Node. @default 256, as the construct has */
  readonly memory?: number;
  /** A program with its arguments that becomes Node. @default Node is started directly */
  readonly launcher?: readonly string[];
}

/** The memory and CPU of a function, which Lambda reports with each invocation. */
interface Usage {
  /** Peak memory in bytes. */
  readonly maxMemory: number;
  /** Milliseconds of CPU time. */
  readonly cpu: number;
}

/** A Lambda function on this machine: its built bundle, in its own process that stays warm between invocations. */
export interface LocalFunction<Result> extends AsyncDisposable {
  /**
   * @throws {FunctionError} the error of the handler, `Sandbox.Timedout`, or `Runtime.ExitError` if the process ended
   */
  invoke(event?: unknown): Promise<Result>;
  /**
   * Starts the process. @returns the milliseconds from its start until its module was loaded
   *
   * @throws {FunctionError} the error of the module, or `Runtime.ExitError` if the process ended
   */
  init(): Promise<number>;
  /** The usage of the process up to the end of the last invocation. */
  readonly usage: Usage;
  /** Kills the process like a crash, and the next invocation starts a new one; or stops it, or lets it continue. */
  kill(signal?: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

const BOOTSTRAP = fileURLToPath(new URL('bootstrap.mjs', import.meta.url));

/**
 * The heap of a function in Lambda's own Node image: a tenth of its memory for new objects, the rest for old objects.
 */
function heapOf(memory: number): readonly string[] {
  return [
    `--max-semi-space-size=${Math.floor(memory / 20)}`,
    `--max-old-space-size=${memory - Math.floor(memory / 10)}`,
  ];
}

/** A message of the process: about its init phase, or the reply to an invocation. */
interface Message {
  readonly init?: number;
  readonly result?: unknown;
  readonly error?: { readonly errorType: string; readonly errorMessage: string };
  readonly maxMemory?: number;
  readonly cpu?: NodeJS.CpuUsage;
}

export function createFunction<Result>(options: FunctionOptions): LocalFunction<Result> {
  const {
    bundle,
    environment,
    timeout = 75,
    onLog = () => {},
    nodeOptions = [],
    memory = 256,
    launcher = [],
  } = options;
  const name = `bullbridge-${options.name ?? 'forward'}`;
  let child: ChildProcess | undefined;
  /** The milliseconds that the init phase of the child took. */
  let init: Promise<number> | undefined;
  let usage: Usage = { maxMemory: 0, cpu: 0 };

  function boot(): ChildProcess {
    const node = [process.execPath, ...heapOf(memory), ...nodeOptions, BOOTSTRAP, pathToFileURL(bundle).href];
    const [program = '', ...args] = [...launcher, ...node];
    const booted = start(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ipc: true,
      // Only the variables of a Lambda function: an AWS_PROFILE of this process would change its behaviour.
      env: {
        PATH: process.env['PATH'],
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memory}`,
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        TZ: ':UTC',
        // Tests set it, so that their many processes start faster. Lambda has none.
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...environment,
      },
    });
    for (const output of [booted.stdout, booted.stderr]) if (output) createInterface(output).on('line', onLog);
    booted.on('exit', () => {
      if (child === booted) child = undefined;
    });
    init = messageOf(booted, ({ init }) => init !== undefined).then(({ init = 0 }) => init);
    return booted;
  }

  /** The first message that is wanted, within the timeout; the error of the process if that comes first. */
  function messageOf(running: ChildProcess, isWanted: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        running.off('message', onMessage).off('exit', onExit);
        end();
      };
      const fail = (type: string, message: string) => settle(() => reject(new FunctionError(type, message)));
      const onMessage = (message: Message) => {
        const { maxMemory = 0, cpu } = message;
        if (cpu) usage = { maxMemory, cpu: (cpu.user + cpu.system) / 1000 };
        if (message.error) fail(message.error.errorType, message.error.errorMessage);
        else if (isWanted(message)) settle(() => resolve(message));
      };
      const onExit = () => fail('Runtime.ExitError', 'the process of the function ended');
      const timer = setTimeout(() => {
        running.kill('SIGKILL');
        fail('Sandbox.Timedout', `Task timed out after ${timeout} seconds`);
      }, timeout * 1000);
      running.on('message', onMessage).on('exit', onExit);
    });
  }

  return {
    async init() {
      child ??= boot();
      return (await init) as number;
    },
    async invoke(event = {}) {
      child ??= boot();
      const running = child;
      // As in Lambda, the time of the init phase is not that of the invocation.
      await init;
      const reply = messageOf(running, ({ init }) => init === undefined);
      running.send({ event, requestId: randomUUID(), deadline: Date.now() + timeout * 1000, memory, name });
      return (await reply).result as Result;
    },
    get usage() {
      return usage;
    },
    kill: (signal = 'SIGKILL') => child?.kill(signal),
    [Symbol.asyncDispose]: async () => {
      if (child) await stop(child);
    },
  };
}
