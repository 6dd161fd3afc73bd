/**
 * Sums up to twenty, with and without steps.
 *
 * Sums up to ten, and ten and something, are told everywhere, for the steps of the others are made of them. A fifth of
 * the other pairs is held out, both ways round, from every text. Larger sums are asked by nobody; their steps are
 * practised (practice.ts).
 */
import { fill, sayAll } from '../grammar';
import type { SumBank } from '../language';
import type { Random } from '../random';
import type { Topic } from '../topic';
import type { World } from '../world';

const LARGEST_TOTAL = 20;

export interface Sum {
  a: number;
  b: number;
  total: number;
}

export function sumTopics(world: World): Topic[] {
  const { sums } = world.language;
  const topics: Topic[] = [];
  for (let a = 1; a < LARGEST_TOTAL; a++) {
    for (let b = 1; b <= Math.min(a, LARGEST_TOTAL - a); b++) {
      const group = a + b <= 10 || a === 10 ? 'bonds' : 'sums';
      const orders =
        a === b
          ? [{ a, b, total: a + b }]
          : [
              { a, b, total: a + b },
              { a: b, b: a, total: a + b },
            ];
      for (const sum of orders) {
        topics.push(sumTopic(sums, sum, group, false));
        if (sum.total > 10) topics.push(sumTopic(sums, sum, group, true));
      }
    }
  }
  return topics;
}

/** Both orders of a pair, with and without steps, are one thing to hold out. */
export const pairOf = ({ a, b }: { a: number; b: number }): string => `${Math.max(a, b)}+${Math.min(a, b)}`;

/** The working and the result: over a ten by way of the ten. */
export function stepsOf({ steps }: Pick<SumBank, 'steps'>, sum: Sum): string {
  const a = Math.max(sum.a, sum.b);
  const b = Math.min(sum.a, sum.b);
  const t = sum.total;
  const numbers = (slots: Record<string, number>): Record<string, string> =>
    Object.fromEntries(Object.entries(slots).map(([slot, n]) => [slot, String(n)]));
  const ones = a % 10;
  if (ones === 0) return fill(steps.tens, numbers({ a, b, t }));
  if (a > 10 && ones + (b % 10) <= 10)
    return fill(steps.within, numbers({ a, b, t, d: a - ones, r: ones, s: ones + b }));
  const k = 10 - ones;
  return fill(steps.over, numbers({ a, b, t, k, d: a + k, r: b - k }));
}

export function sumTopic(bank: SumBank, sum: Sum, group: string, steps: boolean): Topic {
  const slots = { a: String(sum.a), b: String(sum.b), t: String(sum.total) };
  const asked = steps ? bank.stepQuestions : bank.questions;
  const plain = fill(bank.plain, slots);
  const most = Math.max(sum.total, LARGEST_TOTAL);
  const falseTotal = (random: Random): string => {
    const off = random.pick([-2, -1, 1, 2].filter((d) => sum.total + d >= 2 && sum.total + d <= most));
    return String(sum.total + off);
  };
  return {
    kind: steps ? 'steps' : 'sum',
    group,
    name: `${pairOf(sum)}/${sum.a}+${sum.b}`,
    circle: 'core',
    seen: sayAll(asked.seen, slots),
    chat: sayAll(asked.chat ?? [], slots),
    heldOut: sayAll(asked.heldOut, slots),
    expect: { task: 'add', ...sum, steps },
    answers: {
      tone: 'glad',
      plain: () => (steps ? stepsOf(bank, sum) : plain),
      curt: () => slots.t,
      wrong: (random) => fill(bank.plain, { ...slots, t: falseTotal(random) }),
    },
  };
}
