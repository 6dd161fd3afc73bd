/** Conversations in which a person tells something of themselves and asks for it later, at once or a turn after. */
import type { Message } from '../../../session/protocol';
import { fill, say } from '../grammar';
import type { MemoryBank } from '../language';
import type { Random } from '../random';
import type { Asking, Topic } from '../topic';
import type { World } from '../world';

/** Conversations of each length that are drawn for a value, and for a wording that is held out. */
const DRAWN = 3;

export type Kind = MemoryBank['kinds'][number];

export function memoryTopics(world: World, random: Random): Topic[] {
  const bank = world.language.memory;
  if (!bank) return [];
  return bank.kinds.flatMap((kind) => kind.values.map((value) => memoryTopic(bank, kind, value, random)));
}

/** A value to keep in mind, of the bank's or any other. @param questions of the training side */
export function memoryTopic(
  bank: MemoryBank,
  kind: Kind,
  value: string,
  random: Random,
  questions: readonly string[] = kind.ask.seen,
): Topic {
  const rivals = kind.values.filter((other) => other !== value);
  const answerWith = (v: string) => (r: Random) => say(r.pick(kind.answer), { v }, r);
  return {
    kind: 'memory',
    group: `memory/${kind.name}`,
    name: `${kind.name}/${value}`,
    circle: 'core',
    seen: conversations(bank, kind, value, questions, random),
    heldOut: conversations(bank, kind, value, kind.ask.heldOut, random),
    expect: { task: 'choose', key: value, rivals },
    answers: {
      tone: 'glad',
      plain: answerWith(value),
      curt: () => value,
      wrong: (r) => answerWith(r.pick(rivals))(r),
    },
  };
}

/** Half of two turns, half of three. */
function conversations(
  bank: MemoryBank,
  kind: Kind,
  value: string,
  questions: readonly string[],
  random: Random,
): Asking[] {
  return Array.from({ length: 2 * DRAWN }, (_, i): Message[] => {
    const between =
      i % 2 === 0 ? [] : random.pick(bank.between.filter(([, answer]) => !/\d/.test(answer) || kind.name !== 'count'));
    const turns = [
      say(random.pick(kind.tell), { v: value }, random),
      fill(random.pick(kind.heard), { v: value }),
      ...between,
      random.pick(questions),
    ];
    return turns.map((text, turn) => ({ role: turn % 2 === 0 ? 'user' : 'assistant', text }));
  });
}
