/**
 * Exercises without end, for skills that a model would otherwise learn by heart: the steps of sums over twenty, and names
 * of newcomers in longer talks. Forty-four pairs of numbers and a dozen names can be learnt one by one, and what is held
 * out then stays unknown; thousands can not, so that what is learnt is to carry over and to say again.
 *
 * Nobody asks them but text and demonstrations of the training side: the simulated labelers and the evaluation keep to
 * prompts.ts.
 */
import { promptsOf, promptsOn, type PromptKind, type WorldPrompt } from './prompts';
import type { Random } from './random';
import { memoryTopic } from './tasks/memory';
import { pairOf, stepsOf, sumTopic, type Sum } from './tasks/sums';
import type { Circle, World } from './world';

export const SMALLEST_LARGE_TOTAL = 21;
const LARGEST_TOTAL = 99;

/** Share of the sums in which one of the numbers has one digit: their steps are those of the sums up to twenty. */
const ONE_DIGIT_SHARE = 0.6;

/** Share of the talks about a person's own name; the others are about a cat's. */
const OWN_NAME_SHARE = 0.75;

/** Share of the names that anybody in town has; the others are nobody's. */
const TOWN_NAME_SHARE = 0.4;

/** How often each kind comes in demonstrations. */
const KINDS = { steps: 6, memory: 4 } as const satisfies Partial<Record<PromptKind, number>>;

/** Whether models of this reach practise: the smallest have no room for it, as for most of the town. */
export const practises = (reach: Circle): boolean => reach === 'town';

/** An exercise of this kind, undefined where there is none. @param inChat whether in words of the chat as well */
export function exercise(world: World, kind: PromptKind, random: Random, inChat = false): WorldPrompt | undefined {
  if (kind === 'steps') return sumExercise(world, random, inChat);
  if (kind === 'memory') return nameExercise(world, random, inChat);
  return undefined;
}

/** An exercise of any kind, as a person sets it in a chat. */
export function anyExercise(world: World, random: Random): WorldPrompt | undefined {
  return exercise(world, random.weighted(KINDS), random, true);
}

/** A sum over twenty whose steps add no pair that is held out. */
export function largeSum(world: World, random: Random): Sum {
  const kept = heldOutPairs(world);
  for (;;) {
    const total = SMALLEST_LARGE_TOTAL + random.integer(LARGEST_TOTAL + 1 - SMALLEST_LARGE_TOTAL);
    const small = 1 + random.integer(random.chance(ONE_DIGIT_SHARE) ? 9 : Math.floor(total / 2));
    const [a, b] = random.chance(0.5) ? [small, total - small] : [total - small, small];
    const beside = stepsOf(world.language.sums, { a, b, total }).matchAll(/(\d+)(?=[^\d.]{1,5}(\d+))/g);
    if ([...beside].every(([, x, y]) => !kept.has(pairOf({ a: Number(x), b: Number(y) })))) return { a, b, total };
  }
}

function sumExercise(world: World, random: Random, inChat: boolean): WorldPrompt {
  const topic = sumTopic(world.language.sums, largeSum(world, random), 'practice', true);
  return random.pick(promptsOf(topic, 'train', inChat ? [...topic.seen, ...(topic.chat ?? [])] : topic.seen));
}

function nameExercise(world: World, random: Random, inChat: boolean): WorldPrompt | undefined {
  const { memory, names } = world.language;
  if (!memory || names.newcomers.length === 0) return undefined;
  const wanted = random.chance(OWN_NAME_SHARE) ? 'name' : 'pet';
  const kind = memory.kinds.find(({ name }) => name === wanted);
  if (!kind) return undefined;
  const name = random.chance(TOWN_NAME_SHARE) ? random.pick(world.people).name : random.pick(names.newcomers);
  const { seen, chat = [] } = kind.ask;
  const topic = memoryTopic(memory, kind, name, random, inChat ? [...seen, ...chat] : seen);
  return random.pick(promptsOf(topic, 'train', topic.seen));
}

const heldOutOfWorld = new WeakMap<World, ReadonlySet<string>>();

/** Pairs of numbers that no text adds. */
function heldOutPairs(world: World): ReadonlySet<string> {
  const known = heldOutOfWorld.get(world);
  if (known !== undefined) return known;
  const pairs = new Set(
    promptsOn(world, 'combination', 'town').flatMap(({ expect }) => (expect.task === 'add' ? [pairOf(expect)] : [])),
  );
  heldOutOfWorld.set(world, pairs);
  return pairs;
}
