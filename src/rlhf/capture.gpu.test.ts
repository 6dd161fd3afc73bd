import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelShape } from '../config';
import { startDevice } from '../gpu/device';
import type { Gpt } from '../model/gpt';
import { disposeGpt } from '../model/gpt';
import { initialParameters } from '../model/parameters';
import type { AdamW } from '../ops/adamw';
import '../ops/webgpuKernels';
import { pretrainingOptimiser, pretrainingStep, windowBatch } from './pretraining';

const SHAPE: ModelShape = { layers: 4, width: 32, heads: 2, context: 32, vocabulary: 65 };
const [ROWS, LENGTH] = [3, 18];

const windowsAt = (step: number): Int32Array =>
  Int32Array.from({ length: ROWS * LENGTH }, (_, i) => (i * 7 + step * 13 + ((i * i) % 11)) % SHAPE.vocabulary);
const rateAt = (step: number): number => 1e-2 / (1 + step);

async function weightsAfter(
  steps: number,
  run: (gpt: Gpt, optimiser: AdamW, step: number) => Promise<void>,
): Promise<Map<string, Float32Array>> {
  const gpt: Gpt = { shape: SHAPE, parameters: initialParameters(SHAPE, 3) };
  const optimiser = pretrainingOptimiser(gpt);
  for (let step = 0; step < steps; step++) await run(gpt, optimiser, step);
  const weights = new Map<string, Float32Array>();
  for (const [name, variable] of [...gpt.parameters, ...optimiser.moments()]) {
    weights.set(name, await variable.data<'float32'>());
  }
  optimiser.dispose();
  disposeGpt(gpt);
  return weights;
}

describe('captured training', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });

  it('pretraining: 40 replayed steps with a changing rate give the bits of 40 eager ones', async () => {
    const made = new WeakMap<AdamW, ReturnType<typeof pretrainingStep>>();
    const [replayedLosses, eagerLosses]: [number[], number[]] = [[], []];
    const train = (plainly: boolean, losses: number[]) => async (gpt: Gpt, optimiser: AdamW, step: number) => {
      const captured = made.get(optimiser) ?? pretrainingStep(gpt, optimiser);
      made.set(optimiser, captured);
      const inputs = {
        ...windowBatch(windowsAt(step), LENGTH),
        numbers: { values: optimiser.advance(rateAt(step)), shape: [3] },
      };
      const [loss] = await (plainly ? captured.runPlainly(inputs) : captured.run(inputs))();
      losses.push(loss?.[0] as number);
      if (step === 39) captured.dispose();
    };
    const replayed = await weightsAfter(40, train(false, replayedLosses));
    const eager = await weightsAfter(40, train(true, eagerLosses));
    expect(replayedLosses).toEqual(eagerLosses);
    expect(replayedLosses.at(-1)).toBeLessThan(replayedLosses[0] as number);
    for (const [name, values] of replayed) expect(values, name).toEqual(eager.get(name));
  });

  it('a step of four layers is at most 100 dispatches', async () => {
    const gpt: Gpt = { shape: SHAPE, parameters: initialParameters(SHAPE, 3) };
    const optimiser = pretrainingOptimiser(gpt);
    const step = pretrainingStep(gpt, optimiser);
    const numbers = { values: optimiser.advance(1e-3), shape: [3] };
    await step.read({ ...windowBatch(windowsAt(0), LENGTH), numbers });
    expect(step.tapes[0]?.dispatches).toBeLessThanOrEqual(100);
    step.dispose();
    optimiser.dispose();
    tf.dispose([...gpt.parameters.values()]);
  });
});
