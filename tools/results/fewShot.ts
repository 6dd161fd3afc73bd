/**
 * Few-shot prompts (Brown et al. 2020): a base model is shown how others of the same kind were answered, as earlier
 * turns of the thread. What does not fit into its context is left out, the first examples first.
 */
import type { Message } from '../../src/session/protocol';
import { groupBy } from '../../src/text/world/grouping';
import { worldPrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { Random } from '../../src/text/world/random';
import { replyTo } from '../../src/text/world/replies';
import type { World } from '../../src/text/world/world';

/** @returns the turns to put before a prompt: `examples` good answers to other prompts of its kind, of one turn each */
export function fewShotExamples(
  world: World,
  examples: number,
  seed: number,
): (prompt: WorldPrompt) => readonly Message[] {
  const random = new Random(seed);
  const single = worldPrompts(world).train.filter(
    ({ messages, circle }) => messages.length === 1 && (world.reach === 'town' || circle === 'core'),
  );
  const ofKind = groupBy(single, ({ kind }) => kind);
  return ({ kind }) => {
    const choices = ofKind.get(kind) ?? single;
    return Array.from({ length: examples }, () => random.pick(choices)).flatMap((example): Message[] => [
      ...example.messages,
      { role: 'assistant', text: replyTo(world, example, 'good', random) },
    ]);
  };
}
