/** One tab trains at a time: a Web Lock that the browser frees by itself when the tab closes or crashes. */
import { RunConflictError } from '../errors';

const LOCK_NAME = 'nudge-training';

/** Held until `release` is called. */
export interface TrainingLock {
  release(): void;
}

/** This tab has the lock, or is about to have it or to be refused. */
let ours = false;

/**
 * Takes the lock, or fails at once where another tab has it. Without the Locks API (an insecure origin) it is granted.
 *
 * @throws RunConflictError when another tab is training
 */
export async function takeTrainingLock(): Promise<TrainingLock> {
  if (!('locks' in navigator)) return { release: () => undefined };
  ours = true;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(LOCK_NAME, { ifAvailable: true }, (lock) => {
        if (!lock) {
          reject(
            new RunConflictError(
              'Another tab of Nudge is training right now.',
              'Wait until it is done or stop it there. You can go on chatting and ranking here.',
            ),
          );
          return undefined;
        }
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch(reject)
      .finally(() => (ours = false));
  });
}

/** Whether another tab is training. */
export async function otherTabTrains(): Promise<boolean> {
  if (ours || !('locks' in navigator)) return false;
  const { held = [] } = await navigator.locks.query();
  return !ours && held.some((lock) => lock.name === LOCK_NAME);
}
