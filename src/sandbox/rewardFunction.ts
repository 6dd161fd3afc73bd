/**
 * What a reward function that a person writes is given, what it gives back, and what can be wrong with it.
 *
 *   function reward(prompt, reply) { return a number }                 or, for several at once,
 *   function rewards(items) { return a list of as many numbers }       with items [{ prompt, reply }, …]
 *
 * Either may be async. It has the text and nothing else: no network, no storage, no clock and no dice, so that the same
 * reply is worth the same each time.
 */
import { RewardFunctionError, type RewardFault } from '../errors';

export interface RewardItem {
  /** The person's last message. */
  prompt: string;
  reply: string;
}

/** Longest function that is run, in characters. */
export const LONGEST_CODE = 20_000;

export const FIRST_CODE = `// What is a reply worth? Higher is better; about 1 apart is a clear difference.
function reward(prompt, reply) {
  const words = reply.split(/\\s+/).filter(Boolean).length;
  return words <= 12 ? 1 : -1;
}
`;

/**
 * @param answer what came back from the sandbox: anything
 * @returns as many finite numbers as there were replies
 * @throws RewardFunctionError
 */
export function checkedRewards(answer: unknown, count: number): number[] {
  if (!Array.isArray(answer)) throw new RewardFunctionError('result', `a list of ${count} numbers`, kindOf(answer));
  const list: unknown[] = answer;
  if (list.length !== count) throw new RewardFunctionError('result', `${count} numbers`, `${list.length}`);
  return list.map((value, i) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new RewardFunctionError('result', `a finite number for reply ${i + 1}`, kindOf(value));
  });
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

/** What the frame says of a request. */
export type FrameAnswer = { id: number; rewards: unknown } | { id: number; fault: RewardFault; message: string };
