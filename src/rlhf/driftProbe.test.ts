import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { type DriftProbe, withDrift } from './driftProbe';
import { divergence, LANGUAGE, logLikelihoods, LONGEST, PAD, PROMPT, STOP } from './tinyLanguage';
import type { TrainingStep } from './trainingStep';

let models: { policy: Gpt; refPolicy: Gpt };
beforeEach(async () => {
  await startDevice('cpu');
  models = { policy: tinyGpt(1, LANGUAGE), refPolicy: tinyGpt(2, LANGUAGE) };
});
afterEach(() => Object.values(models).forEach(disposeGpt));

const probe = (rows: number, every: number): DriftProbe => ({
  prompts: Array.from({ length: rows }, () => [...PROMPT]),
  tokens: { stop: STOP, pad: PAD },
  ...{ temperature: 1, maxNewTokens: LONGEST, seed: 4, every },
});
/** Steps of a method, each after a phase. */
async function* method(steps: number): AsyncGenerator<TrainingStep> {
  for (let step = 1; step <= steps; step++) {
    yield await Promise.resolve({ step, steps, phase: 'sampling' });
    yield { step, steps, phase: 'learning', metrics: { loss: step } };
  }
}
async function taken(steps: AsyncGenerator<TrainingStep>): Promise<TrainingStep[]> {
  const all: TrainingStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

it('every few steps and at the last a step tells the drift; all else that is reported is left as it was', async () => {
  const all = await taken(withDrift(method(7), models, probe(4, 3)));
  const told = all.filter(({ metrics }) => metrics && 'objective/kl' in metrics);
  expect(told.map(({ step }) => step)).toEqual([3, 6, 7]);
  const without = all
    .filter(({ phase }) => phase !== 'measuring the drift')
    .map(({ metrics: { 'objective/kl': _drift, ...metrics } = {}, ...one }) =>
      Object.keys(metrics).length > 0 ? { ...one, metrics } : one,
    );
  expect(without).toEqual(await taken(method(7)));
});

it('the drift is the KL of the policy from its reference, in nats a reply', async () => {
  const exact = divergence(await logLikelihoods(models.policy), await logLikelihoods(models.refPolicy));
  const [, , last] = await taken(withDrift(method(1), models, probe(4000, 1)));
  expect(exact).toBeGreaterThan(0.1);
  // Five standard errors of the mean of 4000 log-ratios, whose deviation is below 1.5 times the square root of the KL.
  expect(Math.abs((last?.metrics?.['objective/kl'] ?? NaN) - exact)).toBeLessThan(5 * 1.5 * Math.sqrt(exact / 4000));
  const same = await taken(withDrift(method(1), { ...models, policy: models.refPolicy }, probe(9, 1)));
  expect(same.at(-1)?.metrics).toEqual({ loss: 1, 'objective/kl': 0 });
});

it('is drawn from another seed at each step, and from the same one when it is measured again', async () => {
  const values = async (): Promise<(number | undefined)[]> =>
    (await taken(withDrift(method(3), models, probe(5, 1)))).flatMap(({ metrics }) =>
      metrics ? [metrics['objective/kl']] : [],
    );
  const first = await values();
  expect(new Set(first).size).toBe(3);
  expect(await values()).toEqual(first);
});
