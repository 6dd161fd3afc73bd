import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelShape } from '../config';
import { startDevice } from '../gpu/device';
import { memory } from '../gpu/memory';
import type { HostTensor } from '../gpu/step';
import { disposeGpt, type Gpt } from '../model/gpt';
import { initialParameters } from '../model/parameters';
import '../ops/webgpuKernels';
import { DPO } from './dpo';
import { preferenceInputs, type PreferenceInput, preferenceOptimiser, preferenceStep } from './preferenceOptimisation';
import { rankingBatch, type TokenisedRanking } from './rewardModel';

/** As deep as `mini`, and narrow: dispatches depend on the depth alone. */
const SHAPE: ModelShape = { layers: 4, width: 32, heads: 2, context: 48, vocabulary: 65 };
const STEPS = 40;
const [PAD, STOP] = [0, 1];

const reply = (from: number, count: number): number[] => [
  ...Array.from({ length: count }, (_, i) => 2 + ((from * 7 + i * 5) % (SHAPE.vocabulary - 2))),
  STOP,
];

function inputsAt(step: number): Record<Exclude<PreferenceInput, 'numbers'>, HostTensor> {
  const rankings: TokenisedRanking[] = [0, 1].map((g) => ({
    prompt: reply(g + step, 5 + 2 * g),
    replies: [reply(step, 4), reply(step + 1, 6), reply(g, 3)],
    ranks: step % 2 ? [1, 2, 2] : [3, 1, 2],
  }));
  const batch = rankingBatch(rankings, 3, PAD, SHAPE.context);
  const refLogProbs = Float32Array.from({ length: batch.rows }, (_, row) => -20 + Math.sin(step + row));
  return {
    ...preferenceInputs(
      batch,
      rankings.map(({ ranks }) => ranks),
      3,
      refLogProbs,
    ),
  };
}

async function run(plainly: boolean): Promise<{ outputs: unknown[]; weights: unknown[]; dispatches: number }> {
  const policy: Gpt = { shape: SHAPE, parameters: initialParameters(SHAPE, 3) };
  const optimiser = preferenceOptimiser(policy);
  const step = preferenceStep({ policy, optimiser }, DPO, {
    ...DPO.defaults,
    guardCoef: 0.2,
  });
  const outputs: unknown[] = [];
  for (let i = 0; i < STEPS; i++) {
    const inputs = { ...inputsAt(i), numbers: { values: optimiser.advance(1e-2 / (1 + i)), shape: [3] } };
    outputs.push(await (plainly ? step.runPlainly(inputs) : step.run(inputs))());
  }
  const all: tf.Variable[] = [...policy.parameters.values(), ...optimiser.moments().values()];
  const weights = await Promise.all(all.map((variable) => variable.data()));
  const dispatches = Math.max(0, ...step.tapes.map((tape) => tape.dispatches));
  step.dispose();
  optimiser.dispose();
  disposeGpt(policy);
  return { outputs, weights, dispatches };
}

describe('captured DPO', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });

  it('40 replays with changing rates and inputs give the bits of 40 eager runs, in at most 132 dispatches', async () => {
    const before = memory();
    const replayed = await run(false);
    expect(memory().tensors).toBe(before.tensors);
    const eager = await run(true);
    expect(replayed.outputs).toEqual(eager.outputs);
    expect(replayed.weights).toEqual(eager.weights);
    expect(replayed.outputs[0]).not.toEqual(replayed.outputs[1]);
    expect(replayed.dispatches).toBeGreaterThan(0);
    expect(replayed.dispatches).toBeLessThanOrEqual(132);
  });
});
