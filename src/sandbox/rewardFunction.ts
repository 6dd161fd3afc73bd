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
// To score several at once, write instead
//   function rewards(items) { return items.map(({ prompt, reply }) => 0); }
function reward(prompt, reply) {
  const words = reply.split(/\\s+/).filter(Boolean).length;
  return words <= 12 ? 1 : -1;
}
`;

/**
 * What is wrong with an answer, in words; empty where it is one finite number for each of `count` replies. It goes into
 * the sandbox as text too, so that nothing else ever leaves that, and so uses nothing from outside of itself.
 */
export function wrongWith(answer: unknown, count: number): string {
  const kindOf = (value: unknown): string => {
    if (value === null || value === undefined || typeof value === 'number') return String(value);
    return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  };
  if (!Array.isArray(answer)) return `expected a list of ${count} numbers, got ${kindOf(answer)}`;
  const list: unknown[] = answer;
  if (list.length !== count) return `expected ${count} numbers, got ${list.length}`;
  for (let i = 0; i < count; i++)
    if (!Number.isFinite(list[i])) return `expected a finite number for reply ${i + 1}, got ${kindOf(list[i])}`;
  return '';
}

/**
 * @param answer what came back from the sandbox: anything
 * @returns as many finite numbers as there were replies
 * @throws RewardFunctionError
 */
export function checkedRewards(answer: unknown, count: number): number[] {
  const wrong = wrongWith(answer, count);
  if (wrong) throw new RewardFunctionError('result', wrong);
  return answer as number[];
}

/** What the frame says of a request. */
export type FrameAnswer = { id: number; rewards: unknown } | { id: number; fault: RewardFault; message: string };
