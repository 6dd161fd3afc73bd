/**
 * A team of threads for training on WASM, which itself has one: this process is the first member, and every further
 * member is a thread that runs the same command from its start.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { teamMemory, threadTeam, type Team } from '../../src/rlhf/team';

interface Place {
  memory: SharedArrayBuffer;
  rank: number;
  size: number;
}

export interface Members {
  team: Team | null;
  /** This process, as opposed to a thread of it. */
  leads: boolean;
  end(): Promise<void>;
}

/** More threads than this have too few rows of a batch each. */
const MOST_THREADS = 8;

/** As many as there are cores; a power of two, which every batch can be divided by. */
export const threadsHere = (): number => 2 ** Math.floor(Math.log2(Math.min(availableParallelism(), MOST_THREADS)));

/**
 * @param threads 1 for no team
 * @param numbers the most that are added up at a time: a gradient for each parameter, and the loss
 * @param args of the command
 */
export function gatherTeam(threads: number, numbers: number, args: string[]): Members {
  if (!isMainThread) {
    const { memory, rank, size } = workerData as Place;
    return { team: threadTeam(memory, rank, size), leads: false, end: () => Promise.resolve() };
  }
  if (threads === 1) return { team: null, leads: true, end: () => Promise.resolve() };
  const memory = teamMemory(threads, numbers);
  const workers = Array.from({ length: threads - 1 }, (_, i) => {
    const place: Place = { memory, rank: i + 1, size: threads };
    const worker = new Worker(path.resolve('tools/run.mjs'), {
      argv: ['tools/pretrain.ts', ...args],
      workerData: place,
    });
    worker.on('error', (error) => {
      console.error(error);
      process.exit(1);
    });
    return worker;
  });
  return {
    team: threadTeam(memory, 0, threads),
    leads: true,
    end: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
