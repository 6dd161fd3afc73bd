import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Catalogue } from '../session/protocol';
import type { Preferences } from '../store/schema';
import { Labeler } from './labeler.svelte';
import { openSession } from './workerDouble';

const BALANCED = { right: 0.6, polite: 0.2 };
const CATALOGUE: Catalogue = {
  models: [],
  principles: [],
  labelers: [
    { name: 'balanced', weights: BALANCED },
    { name: 'factual', weights: { right: 0.9, polite: 0.1 } },
  ],
};

describe('the simulated labeler', () => {
  let labeler: Labeler;
  let another: () => Labeler;
  let kept: Preferences['labeler'] | null;
  beforeEach(async () => {
    kept = null;
    const { session } = await openSession({ catalogue: () => CATALOGUE });
    another = () => new Labeler(session, (now) => (kept = now));
    labeler = another();
    await vi.waitUntil(() => session.catalogue !== null);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('is the balanced one unless another is chosen, and each weight is a share of the score', () => {
    expect(labeler.names).toEqual(['balanced', 'factual', 'own']);
    expect(labeler.weights).toEqual(BALANCED);
    expect(labeler.shares.map(({ share }) => share)).toEqual([expect.closeTo(0.75), expect.closeTo(0.25)]);
    labeler.choose('factual');
    expect(labeler.weights).toEqual({ right: 0.9, polite: 0.1 });
    labeler.choose('strict');
    expect(labeler.chosen).toBe('factual');
  });

  it("becomes the person's own with the first weight that they set, and is itself again after a reset", () => {
    labeler.choose('factual');
    expect(labeler.set('polite', 0.5)).toBe('');
    expect([labeler.chosen, labeler.weights]).toEqual(['own', { right: 0.9, polite: 0.5 }]);
    labeler.choose('balanced');
    expect(labeler.weights).toEqual(BALANCED);
    labeler.choose('own');
    expect(labeler.weights).toEqual({ right: 0.9, polite: 0.5 });
    labeler.reset();
    expect([labeler.chosen, labeler.weights]).toEqual(['balanced', BALANCED]);
    expect(kept).toEqual({ chosen: 'balanced', own: null });
  });

  it('refuses a weight out of range, a part that is none, and to value nothing', () => {
    for (const weight of [-0.1, 1.1, Number.NaN]) expect(labeler.set('right', weight)).toMatch(/from 0 to 1/);
    expect(labeler.set('charm', 0.5)).toMatch(/no part/);
    expect(labeler.set('right', 0)).toBe('');
    expect(labeler.set('polite', 0)).toMatch(/must value something/);
    expect(labeler.weights).toEqual({ right: 0, polite: 0.2 });
  });

  it('comes back in a later visit; stored weights that cannot be used do not', () => {
    labeler.set('polite', 0.9);
    const later = another();
    later.restore(kept as Preferences['labeler']);
    expect([later.chosen, later.weights]).toEqual(['own', { right: 0.6, polite: 0.9 }]);
    for (const own of [null, { right: 0, polite: 0 }, { right: -1, polite: 1 }, { right: 1 }, { charm: 1, right: 1 }]) {
      const damaged = another();
      damaged.restore({ chosen: 'own', own });
      expect([damaged.chosen, damaged.weights]).toEqual(['balanced', BALANCED]);
    }
  });
});
