import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDevice } from '../../gpu/device';
import { padBatch } from '../../model/batch';
import { rewardModelFrom } from '../../model/rewardHead';
import { scoreBatch } from '../../rlhf/rewardModel';
import type { OwnReward } from '../protocol';
import { toyWorkshop } from '../toyWorkshop';
import type { Workshop } from '../workshop';
import { PolicyTask } from './policyTask';

describe('what replies are paid', () => {
  let workshop: Workshop;
  /** What the person's own function says of each reply: its place. */
  const asked: { code: string; items: { prompt: string; reply: string }[] }[] = [];
  beforeEach(async () => {
    await startDevice('wasm');
    asked.length = 0;
    workshop = {
      ...(await toyWorkshop()),
      askReward: (code, items) => {
        asked.push({ code, items });
        return Promise.resolve(items.map((_, i) => i + 1));
      },
    };
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel'] as const) workshop.models.drop(name);
  });

  const taskWith = (ownReward: OwnReward | null): PolicyTask =>
    new PolicyTask(workshop, {
      ...{ seed: 1, prompts: 2, maxNewTokens: 6, ownPrompts: [], aggregation: 0, ruleWeight: 1 },
      ownReward,
    });
  const replies = () => {
    const prompts = [[5, 6], [7]];
    const responses = [[8, 9], [10]];
    const { pad } = workshop.tokenizer.specials;
    return { prompts, responses, batch: padBatch(prompts, responses, pad, workshop.models.shape.context) };
  };
  async function installRewardModel(): Promise<void> {
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
  }

  it.each([
    [1, 2],
    [0.5, -3],
    [-1, 0.25],
  ])('is the reward model times %d and the own function times %d', async (modelWeight, weight) => {
    await installRewardModel();
    const given = replies();
    const learned = await scoreBatch(workshop.models.rewardModels[0]!, given.batch);
    expect(learned[0]).not.toBe(learned[1]);
    const paid = await taskWith({ code: 'own', weight, modelWeight }).scorer(given);
    paid.forEach((score, b) => expect(score).toBeCloseTo(modelWeight * learned[b]! + weight * (b + 1), 5));
    expect(asked).toEqual([{ code: 'own', items: [expect.anything(), expect.anything()] }]);
  });

  it('without a function is the reward model alone', async () => {
    await installRewardModel();
    const given = replies();
    const learned = await scoreBatch(workshop.models.rewardModels[0]!, given.batch);
    expect(await taskWith(null).scorer(given)).toEqual(learned);
  });

  it('needs no reward model where that counts 0, and one where it counts', async () => {
    expect(workshop.models.rewardModels).toHaveLength(0);
    const own = { code: 'own', weight: 2 };
    expect([...(await taskWith({ ...own, modelWeight: 0 }).scorer(replies()))]).toEqual([2, 4]);
    expect(() => taskWith({ ...own, modelWeight: 1 }).scorer).toThrow('Expected a reward model');
  });
});
