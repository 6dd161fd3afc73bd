/**
 * The facts that no demonstration, ranking or forum thread asks: the prose of the web tells them, and the evaluation
 * asks whether the model can say what it has only read.
 */
import { groupBy } from './grouping';
import { Random } from './random';
import type { Fact, World } from './world';

const UNASKED_SHARE = 0.2;

const unaskedOfWorld = new WeakMap<World, ReadonlySet<Fact>>();

/** A fifth of the facts of each attribute in each circle. */
export function unaskedFacts(world: World): ReadonlySet<Fact> {
  const known = unaskedOfWorld.get(world);
  if (known !== undefined) return known;
  const random = new Random(world.seed + 2);
  const groups = groupBy(world.facts, ({ attribute, subject }) => `${attribute}/${subject.circle}`);
  const unasked = new Set(
    [...groups.values()].flatMap((facts) => random.shuffle(facts).slice(0, Math.round(facts.length * UNASKED_SHARE))),
  );
  unaskedOfWorld.set(world, unasked);
  return unasked;
}
