import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, PRESETS, WORLD_SEED } from '../config';
import { type Device, startDevice } from '../gpu/device';
import { memory } from '../gpu/memory';
import { measurableShapes } from '../ops/tuner';
import '../ops/webgpuKernels';
import { simulateRankings } from '../rlhf/simulatedRankings';
import { createWorld } from '../text/world/world';
import { CompileAhead } from './compileAhead';
import { Models } from './models';
import type { Ranking } from './protocol';
import { fetchShippedModels } from './shippedModels';
import type { Stage } from './stage';
import { PpoStage } from './stages/ppoStage';
import { RewardModelStage } from './stages/rewardModelStage';
import { SftStage } from './stages/sftStage';
import type { Workshop } from './workshop';

const NEVER = new AbortController().signal;

async function nanoWorkshop(): Promise<Workshop> {
  const world = createWorld(WORLD_SEED);
  const { fetchWeights, tokenizer } = await fetchShippedModels('nano', '/models/', world);
  const models = new Models(PRESETS.nano);
  if (fetchWeights) for (const name of ['base', 'sft'] as const) models.load(name, await fetchWeights(name), 'shipped');
  return { models, tokenizer, world };
}

async function rankingsOf({ models, tokenizer, world }: Workshop, count: number): Promise<Ranking[]> {
  const sft = models.gpt('sft');
  if (!sft) throw new Error('The SFT model of nano is shipped.');
  const request = { count, k: 4, split: 'train', temperature: 1, maxNewTokens: 40, seed: 3 } as const;
  const rankings: Ranking[] = [];
  for await (const some of simulateRankings(sft, 'sft', tokenizer, world, request)) rankings.push(...some);
  return rankings;
}

/** All of a stage, if it is short. */
async function train(stage: Stage): Promise<void> {
  stage.build(null);
  for await (const { metrics } of stage.run(NEVER)) if (metrics) expect(metrics).not.toEqual({});
  await stage.finish();
  stage.release();
}

describe('pipelines that are made ahead', () => {
  let device: Device;
  /** Pipelines that somebody waited for, and those that nobody did. */
  let [made, madeAhead] = [[] as string[], 0];
  const { createComputePipeline, createComputePipelineAsync } = GPUDevice.prototype;

  beforeEach(async () => {
    device = await startDevice('webgpu');
    [made, madeAhead] = [[], 0];
    GPUDevice.prototype.createComputePipeline = function (descriptor) {
      made.push(`${descriptor.label} ${JSON.stringify(descriptor.compute.constants)}`);
      return createComputePipeline.call(this, descriptor);
    };
    GPUDevice.prototype.createComputePipelineAsync = function (descriptor) {
      madeAhead += 1;
      return createComputePipelineAsync.call(this, descriptor);
    };
  });
  afterEach(() => {
    Object.assign(GPUDevice.prototype, { createComputePipeline, createComputePipelineAsync });
    device.destroy();
  });

  it('are all that training wants with the default settings, and nothing else is left of them', async () => {
    const workshop = await nanoWorkshop();
    const rankings = await rankingsOf(workshop, 24);
    const look = async (): Promise<unknown> => ({
      ...memory(),
      variables: Object.keys(tf.engine().state.registeredVariables).sort(),
      weights: await Promise.all([...(workshop.models.gpt('base')?.parameters.values() ?? [])].map((w) => w.data())),
    });
    const before = await look();
    const ahead = new CompileAhead(workshop);
    expect(ahead.pending()).toBe(true);
    await ahead.run(NEVER);
    expect(ahead.pending()).toBe(false);
    expect(await look()).toEqual(before);
    expect(madeAhead).toBeGreaterThan(20);
    // What is measured next are the shapes of training.
    const shapes = measurableShapes(device.gpu as GPUDevice).map(({ kernel }) => kernel);
    expect(shapes).toContain('causal attention backward');

    made = [];
    const { sft, rewardModel, ppo } = DEFAULT_SETTINGS;
    await train(new SftStage(workshop, { ...sft, examples: 64, epochs: 1 }, [], 5));
    await train(new RewardModelStage(workshop, { ...rewardModel, epochs: 1 }, rankings, [], 5));
    await train(new PpoStage(workshop, { ...ppo, updates: 1 }, [], false, 5));
    expect(made).toEqual([]);
  });

  it('are made no more once other work comes, and the rest of them later', async () => {
    const ahead = new CompileAhead(await nanoWorkshop());
    const runUntil = async (most: number): Promise<void> => {
      const abort = new AbortController();
      const run = ahead.run(abort.signal);
      while (madeAhead < most) await new Promise((resolve) => setTimeout(resolve, 1));
      abort.abort();
      await run;
    };
    await runUntil(2);
    expect([madeAhead, ahead.pending()]).toEqual([2, true]);
    await runUntil(4);
    expect([madeAhead, ahead.pending()]).toEqual([4, true]);
  });
});
