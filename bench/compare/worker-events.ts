import type { CreateWay } from './way.ts';

/** Listeners on each worker, in its process: up whenever a worker is, so that there is nothing to start or to stop. */
export const listenInWorkers: CreateWay = async ({ workload }, hear) => {
  workload.onWorkerEvent(hear);
  const nothing = async () => {};
  return {
    start: nothing,
    settle: nothing,
    stop: nothing,
    remarks: () => {
      const shares = [...workload.seen.values()].map((keys) => keys.length);
      return [
        `nothing; heard in ${shares.length} places, at most ${Math.max(...shares).toLocaleString('en')} events in one`,
      ];
    },
    [Symbol.asyncDispose]: nothing,
  };
};
