/**
 * Who ranks when nobody does: one of the labelers of the page, or one whose weights the person sets. Weights are of the
 * parts of the gold score.
 */
import type { PartValues } from '../session/protocol';
import type { Preferences } from '../store/schema';
import type { Session } from './session.svelte';

export const OWN = 'own';
/** Weighs everything; the one that the demo uses. */
const STANDARD = 'balanced';

export class Labeler {
  #chosen = $state<string>(STANDARD);
  #own = $state.raw<PartValues | null>(null);
  readonly #session: Session;
  readonly #changed: (labeler: Preferences['labeler']) => void;

  /** @param changed called after each change, with what a later visit must bring back */
  constructor(session: Session, changed: (labeler: Preferences['labeler']) => void) {
    this.#session = session;
    this.#changed = changed;
  }

  /** Names of those that may be chosen, the person's own last. */
  get names(): string[] {
    return [...(this.#session.catalogue?.labelers ?? []).map(({ name }) => name), OWN];
  }

  get chosen(): string {
    if (this.#chosen === OWN && !this.#usable(this.#own)) return STANDARD;
    return this.names.includes(this.#chosen) ? this.#chosen : STANDARD;
  }

  /** What the chosen one weighs; null before the worker said what its labelers weigh. */
  get weights(): PartValues | null {
    return this.chosen === OWN ? this.#own : this.#weightsOf(this.chosen);
  }

  /** Each part's share of the score, 0 to 1. */
  get shares(): { part: string; weight: number; share: number }[] {
    const weights = Object.entries(this.weights ?? {});
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    return weights.map(([part, weight]) => ({ part, weight, share: total > 0 ? weight / total : 0 }));
  }

  choose(name: string): void {
    if (!this.names.includes(name)) return;
    // One's own begin as those of the labeler before.
    if (name === OWN && !this.#usable(this.#own)) this.#own = this.weights;
    this.#chosen = name;
    this.#keep();
  }

  /** Sets a weight of the person's own labeler; returns what is wrong otherwise, and keeps the old one. */
  set(part: string, weight: number): string {
    const { weights } = this;
    if (!weights || !(part in weights)) return `There is no part "${part}".`;
    if (!(weight >= 0 && weight <= 1)) return 'A weight must be from 0 to 1.';
    const own = { ...weights, [part]: weight };
    if (Object.values(own).every((one) => one === 0))
      return 'The labeler must value something: raise another weight first.';
    this.#own = own;
    this.#chosen = OWN;
    this.#keep();
    return '';
  }

  /** Back to the labeler that there was to begin with. */
  reset(): void {
    this.#own = null;
    this.#chosen = STANDARD;
    this.#keep();
  }

  /** Takes over what was stored; weights that cannot be used, or of other parts than there are now, do not count. */
  restore({ chosen, own }: Preferences['labeler']): void {
    this.#own = own;
    this.#chosen = chosen;
  }

  #usable(own: PartValues | null): own is PartValues {
    const standard = this.#weightsOf(STANDARD);
    if (!own || !standard || Object.keys(own).length !== Object.keys(standard).length) return false;
    const weights = Object.keys(standard).map((part) => own[part] ?? Number.NaN);
    return weights.every((weight) => weight >= 0 && weight <= 1) && weights.some((weight) => weight > 0);
  }

  #weightsOf(name: string): PartValues | null {
    const labelers = this.#session.catalogue?.labelers ?? [];
    return labelers.find((labeler) => labeler.name === name)?.weights ?? null;
  }

  #keep(): void {
    this.#changed({ chosen: this.#chosen, own: this.#own });
  }
}
