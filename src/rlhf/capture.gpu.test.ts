import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS, type ModelShape, type PpoSettings } from '../config';
import { startDevice } from '../gpu/device';
import { memory } from '../gpu/memory';
import { type HostTensor, Step } from '../gpu/step';
import { batchInputs, batchTensors, padBatch } from '../model/batch';
import { Decoder } from '../model/decoder';
import { generateAll } from '../model/generate';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { initialParameters } from '../model/parameters';
import { responseLogProbs } from '../model/responseLogProbs';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { cloneScalarModel, disposeScalarModel } from '../model/scalarHead';
import type { AdamW } from '../ops/adamw';
import { klCoefValues } from '../ops/shapedRewards';
import '../ops/webgpuKernels';
import { FixedKlController } from './adaptiveKlController';
import {
  disposeIlql,
  ILQL_DEFAULTS,
  ilqlDrift,
  ilqlInputs,
  ilqlModel,
  ilqlOptimiser,
  ilqlParameters,
  ilqlScoring,
  ilqlStep,
} from './ilql';
import { ppo, ppoOptimisers, type PpoState } from './ppo';
import { namedAsText, PpoSteps } from './ppoSteps';
import { pretrainingOptimiser, pretrainingStep, windowBatch } from './pretraining';
import { poolingWeights, rankingInputs, rewardModelOptimiser, rewardModelStep } from './rewardModel';
import { sftInputs, sftOptimiser, sftStep } from './sft';
import type { TrainingStep } from './trainingStep';

/** As deep as `mini`, and narrow: dispatches depend on the depth alone. */
const SHAPE: ModelShape = { layers: 4, width: 32, heads: 2, context: 48, vocabulary: 65 };
/** Where a test takes many steps. */
const SMALL: ModelShape = { ...SHAPE, layers: 1, width: 8 };
const STEPS = 40;
const SETTINGS = { ...DEFAULT_SETTINGS.ppo, temperature: 0.7, missingEosPenalty: 0.3, gamma: 0.99 };
const [PAD, STOP] = [0, 1];

const freshGpt = (seed = 3): Gpt => ({ shape: SHAPE, parameters: initialParameters(SHAPE, seed) });
const rateAt = (step: number): number => 1e-2 / (1 + step);
const numbersOf = (optimiser: AdamW, step: number): HostTensor => ({
  values: optimiser.advance(rateAt(step)),
  shape: [3],
});
const token = (i: number): number => 2 + ((i * 7 + ((i * i) % 11)) % (SHAPE.vocabulary - 2));
const tokens = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => token(from + i));
const floats = (rows: number, columns: number, seed: number): HostTensor => ({
  values: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + 1.7 * i)),
  shape: [rows, columns],
});

function batchAt(step: number): ReturnType<typeof padBatch> {
  const prompts = [tokens(step, 5), tokens(step + 3, 9), tokens(2 * step, 7), tokens(step + 1, 2)];
  const replies = [4, 6, 3, 8].map((count, row) => [...tokens(step * row, count), STOP]);
  return padBatch(prompts, replies, PAD, SHAPE.context, { multiple: 8 });
}

/** A step with what it changes and its inputs at every turn. */
interface Case {
  step: Step<string>;
  inputsAt: (step: number) => Record<string, HostTensor>;
  changed: () => ReadonlyMap<string, tf.Variable>;
  dispose: () => void;
}

const CASES: Record<string, () => Case> = {
  pretraining: () => {
    const gpt = freshGpt();
    const optimiser = pretrainingOptimiser(gpt);
    return {
      step: pretrainingStep(gpt, optimiser),
      inputsAt: (step) => ({
        ...windowBatch(Int32Array.from(tokens(step, 3 * 18)), 18),
        numbers: numbersOf(optimiser, step),
      }),
      changed: () => new Map([...gpt.parameters, ...optimiser.moments()]),
      dispose: () => [optimiser.dispose(), disposeGpt(gpt)],
    };
  },
  'fine-tuning': () => {
    const gpt = freshGpt();
    const optimiser = sftOptimiser(gpt);
    return {
      step: sftStep(gpt, optimiser),
      inputsAt: (step) => ({ ...sftInputs(batchAt(step)), numbers: numbersOf(optimiser, step) }),
      changed: () => new Map([...gpt.parameters, ...optimiser.moments()]),
      dispose: () => [optimiser.dispose(), disposeGpt(gpt)],
    };
  },
  'reward model': () => rewardModelCase({ centreCoef: 0.01, margin: 0, loss: 0 }),
  'reward model with a margin': () => rewardModelCase({ centreCoef: 0, margin: 0.3, loss: 0 }),
  'reward model with a margin, centred': () => rewardModelCase({ centreCoef: 0.01, margin: 0.3, loss: 0 }),
  'reward model of whole rankings': () => rewardModelCase({ centreCoef: 0.01, margin: 0, loss: 1 }),
  'reward model of the best alone': () => rewardModelCase({ centreCoef: 0, margin: 0, loss: 2 }),
  'PPO minibatch': () => {
    const { state, dispose } = freshPpo();
    const steps = new PpoSteps(state, SETTINGS, { rows: 7, responseLength: 16 });
    tf.tidy(() => steps.experience.assign(tf.tensor(floats(4 * 7, 16, 1).values, [4, 7, 16])));
    return {
      step: steps.minibatch,
      inputsAt: (step) => ({
        ...batchInputs(batchAt(step)),
        rows: { values: Int32Array.from([6, step % 7, 0, (3 * step) % 7]), shape: [4] },
        policyNumbers: numbersOf(state.policyOptimiser, step),
        valueNumbers: numbersOf(state.valueOptimiser as AdamW, step),
        ...namedAsText(windowBatch(Int32Array.of(2, 3), 2)),
      }),
      changed: () =>
        new Map<string, tf.Variable>([
          ...state.models.policy.parameters,
          ...[...state.models.valueModel.trunk.parameters].map(([name, v]) => [`value ${name}`, v] as const),
          ...state.policyOptimiser.moments(),
        ]),
      dispose: () => [steps.dispose(), dispose()],
    };
  },
  'ILQL, imitating': () => ilqlCase(false),
  'ILQL beside the policy that said the data': () => ilqlCase(true),
  scoring: () => scoringCase({}),
  'scoring with the mistakes of lessons': () => scoringCase({ scoringDropout: 0.2, whitenPadding: 1 }),
};

function rewardModelCase(settings: Parameters<typeof rewardModelStep>[2]): Case {
  const gpt = freshGpt();
  const model = rewardModelFrom(gpt, 1);
  disposeGpt(gpt);
  const optimiser = rewardModelOptimiser(model);
  return {
    step: rewardModelStep(model, optimiser, settings),
    inputsAt: (step) => ({
      ...batchInputs(batchAt(step)),
      pooling: poolingWeights(batchAt(step)),
      ...rankingInputs([{ ranks: [1, 2], gaps: [1 + (step % 3)] }, { ranks: step % 2 ? [2, 1] : [1, 2] }], 2),
      numbers: numbersOf(optimiser, step),
    }),
    changed: () => new Map([...model.trunk.parameters, ['likelihood', model.likelihood], ...optimiser.moments()]),
    dispose: () => [optimiser.dispose(), disposeRewardModel(model)],
  };
}

/** Of whole responses, [B]. */
async function logLikelihoods(gpt: Gpt, prompts: number[][], responses: number[][]): Promise<Float32Array> {
  const batch = padBatch(prompts, responses, PAD, SHAPE.context);
  const sums = tf.tidy(() => {
    const { ids, start, responseMask } = batchTensors(batch);
    return tf.sum(tf.mul(responseLogProbs(gpt, ids, start, batch.promptLength, 1).logProbs, responseMask), 1);
  });
  const values = await sums.data<'float32'>();
  sums.dispose();
  return values as Float32Array;
}

function ilqlCase(beside: boolean): Case {
  const imitator = freshGpt(4);
  const model = ilqlModel(freshGpt(), 1, beside ? { imitator, blank: true } : {});
  const optimiser = ilqlOptimiser(model);
  const replies = [4, 6, 3, 8].map((count, row) => {
    const response = [...tokens(row, count), STOP];
    return { prompt: tokens(row, 5), response, rewards: response.map((_, t) => Math.sin(row + t)) };
  });
  return {
    step: ilqlStep(model, optimiser, ILQL_DEFAULTS),
    inputsAt: (step) => ({
      ...ilqlInputs(
        [0, 1, 2, 3].map((i) => replies[(i + step) % 4]!),
        PAD,
        SHAPE.context,
      ),
      numbers: numbersOf(optimiser, step),
    }),
    changed: () => new Map([...ilqlParameters(model), ...optimiser.moments()]),
    dispose: () => [optimiser.dispose(), disposeIlql(model), disposeGpt(imitator)],
  };
}

function scoringCase(changes: Partial<PpoSettings>): Case {
  const { state, dispose } = freshPpo();
  const steps = new PpoSteps(state, { ...SETTINGS, ...changes }, batchAt(0));
  const states = batchAt(0).rows * batchAt(0).responseLength;
  return {
    step: steps.scoring,
    inputsAt: (step) => ({
      ...batchInputs(batchAt(step)),
      pooling: poolingWeights(batchAt(step)),
      finished: { values: Int32Array.from([1, step % 2, 0, 1]), shape: [4] },
      klCoef: { values: klCoefValues(rateAt(step)), shape: [3] },
      otherScores: { values: Float32Array.from({ length: 4 }, (_, b) => Math.cos(step + b)), shape: [4] },
      kept: changes.scoringDropout ? floats(states, SHAPE.width, step) : { values: new Float32Array(1), shape: [1] },
    }),
    changed: () => new Map([['experience', steps.experience]]),
    dispose: () => [steps.dispose(), dispose()],
  };
}

function freshPpo(shape = SHAPE): { state: PpoState; dispose: () => void } {
  const refPolicy: Gpt = { shape, parameters: initialParameters(shape, 3) };
  const policy = cloneGpt(refPolicy);
  const rewardModel: RewardModel = rewardModelFrom(refPolicy, 1);
  const valueModel = cloneScalarModel(rewardModel);
  const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, DEFAULT_SETTINGS.ppo);
  const models = { policy, refPolicy, rewardModel, valueModel };
  return {
    state: { models, policyOptimiser, valueOptimiser, klController: new FixedKlController(0.1), update: 0 },
    dispose: () => {
      policyOptimiser.dispose();
      valueOptimiser?.dispose();
      disposeGpt(policy);
      disposeGpt(refPolicy);
      disposeRewardModel(rewardModel);
      disposeScalarModel(valueModel);
    },
  };
}

/** Outputs of every step, and what the steps left. */
async function run(name: string, plainly: boolean): Promise<{ outputs: unknown[]; weights: Map<string, unknown> }> {
  const { step, inputsAt, changed, dispose } = CASES[name]!();
  const outputs: unknown[] = [];
  for (let i = 0; i < STEPS; i++) {
    const inputs = inputsAt(i);
    outputs.push(await (plainly ? step.runPlainly(inputs) : step.run(inputs))());
  }
  const weights = new Map<string, unknown>();
  for (const [key, variable] of changed()) weights.set(key, await variable.data());
  step.dispose();
  dispose();
  return { outputs, weights };
}

/** A short run of PPO, two minibatches an epoch. */
function ppoOf(state: PpoState, updates: number): AsyncGenerator<TrainingStep> {
  const prompts = [3, 5, 9, 2, 7, 4, 6, 8].map((count, row) => tokens(row, count));
  return ppo(state, {
    settings: { ...DEFAULT_SETTINGS.ppo, updates, batchSize: 8, minibatchSize: 4, maxNewTokens: 8 },
    tokens: { stop: STOP, pad: PAD },
    seed: 5,
    promptsOf: () => prompts,
    describe: () => ({ prompt: '', reply: '' }),
  });
}

/** Weights of the policy after it. */
async function policyAfter(updates: number): Promise<Map<string, unknown>> {
  const { state, dispose } = freshPpo();
  for await (const _ of ppoOf(state, updates));
  const weights = new Map<string, unknown>();
  for (const [name, variable] of state.models.policy.parameters) weights.set(name, await variable.data());
  dispose();
  return weights;
}

describe('captured training', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });

  it.each(Object.keys(CASES))(
    '%s: 40 replays with changing rates and inputs give the bits of 40 eager runs',
    async (name) => {
      const before = memory();
      const replayed = await run(name, false);
      expect(memory().tensors).toBe(before.tensors);
      const eager = await run(name, true);
      expect(replayed.outputs).toEqual(eager.outputs);
      expect(replayed.outputs[0]).not.toEqual(replayed.outputs[1]);
      for (const [key, values] of replayed.weights) expect(values, key).toEqual(eager.weights.get(key));
    },
  );

  it.each([
    { name: 'pretraining', most: 90 },
    { name: 'fine-tuning', most: 92 },
    { name: 'reward model', most: 98 },
    { name: 'PPO minibatch', most: 183 }, // two models
    { name: 'scoring', most: 139 }, // four models
  ])('$name: at most $most dispatches with four layers', async ({ name, most }) => {
    const { step, inputsAt, dispose } = CASES[name]!();
    await step.read(inputsAt(0));
    expect(step.tapes[0]?.dispatches).toBeLessThanOrEqual(most);
    step.dispose();
    dispose();
  });

  it('1,000 pretraining steps leave the tensors and the bytes of the GPU as the tenth left them', async () => {
    const gpt: Gpt = { shape: SMALL, parameters: initialParameters(SMALL, 3) };
    const optimiser = pretrainingOptimiser(gpt);
    const step = pretrainingStep(gpt, optimiser);
    const look = () => {
      const { numBytesAllocatedInGPU: allocated, ...pooled } = tf.memory() as tf.MemoryInfo &
        Record<'numBytesAllocatedInGPU', number>;
      return { used: { ...memory(), pooled }, allocated };
    };
    let tenth: ReturnType<typeof look> | undefined;
    for (let i = 1; i <= 1000; i++) {
      const batch = windowBatch(Int32Array.from(tokens(i, 2 * 9)), 9);
      await step.read({ ...batch, numbers: numbersOf(optimiser, i) });
      if (i === 10) tenth = look();
    }
    expect(look()).toEqual(tenth);
    step.dispose();
    optimiser.dispose();
    disposeGpt(gpt);
  });

  it('a decoder with another model beside tells the log-probs of whole passes', async () => {
    const imitator = freshGpt();
    const model = ilqlModel(freshGpt(4), 1, { imitator });
    const prompts = [tokens(0, 5), tokens(3, 9)];
    const request = { temperature: 1, topK: 0, topP: 1, maxNewTokens: 8, seed: 3, stopToken: STOP, padToken: PAD };
    const { responses, logProbs } = await generateAll(imitator, prompts, {
      ...request,
      scoring: ilqlScoring(model, 2),
    });
    const [drift, expected] = [
      await ilqlDrift(model, 2, prompts, responses, PAD),
      await logLikelihoods(imitator, prompts, responses),
    ];
    drift.forEach((own, b) => {
      const said = logProbs[b]!.reduce((sum, logProb) => sum + logProb, 0);
      expect(Math.abs(own)).toBeGreaterThan(0.1); // or the test shows nothing
      expect(said - expected[b]!).toBeCloseTo(own, 3);
    });
    disposeIlql(model);
    disposeGpt(imitator);
  });

  it('a token of four layers is at most 33 dispatches', async () => {
    const gpt = freshGpt();
    const decoder = new Decoder(gpt, 3, 16, { temperature: 1, topK: 0, topP: 1 });
    const draw = { seed: 1, counter: 0 };
    await decoder.prompt(Int32Array.from(tokens(0, 12)), new Int32Array(3), draw)();
    await decoder.next(4, { ...draw, counter: 1 })();
    expect(decoder.dispatchesPerToken).toBeLessThanOrEqual(33);
    decoder.dispose();
    disposeGpt(gpt);
  });

  it('the same seed gives the same weights after 20 updates of PPO', async () => {
    const [one, again] = [await policyAfter(20), await policyAfter(20)];
    const start = freshGpt();
    const name = 'transformer.wte.weight';
    expect(one.get(name)).not.toEqual(await start.parameters.get(name)?.data());
    for (const [key, values] of one) expect(values, key).toEqual(again.get(key));
    disposeGpt(start);
  });

  it('updates of PPO through replays give the bits of eager ones', async () => {
    const replayed = await policyAfter(3);
    const eagerly = vi.spyOn(Step.prototype, 'run').mockImplementation(function (this: Step<string>, inputs) {
      return this.runPlainly(inputs);
    });
    const eager = await policyAfter(3);
    eagerly.mockRestore();
    for (const [key, values] of replayed) expect(values, key).toEqual(eager.get(key));
  });

  it('an update of PPO is submitted to its last minibatch before anything of it is read', async () => {
    const { state, dispose } = freshPpo(SMALL);
    const steps = ppoOf(state, 2);
    const phaseOf = async (): Promise<string> => {
      const { value } = (await steps.next()) as IteratorYieldResult<TrainingStep>;
      return `${value.step} ${value.phase}`;
    };
    while ((await phaseOf()) !== '2 scoring replies'); // by then everything is recorded
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { mapAsync } = GPUBuffer.prototype;
    GPUBuffer.prototype.mapAsync = async function (...args) {
      await gate;
      return mapAsync.apply(this, args);
    };
    const submit = vi.spyOn(GPUQueue.prototype, 'submit');
    try {
      expect(await phaseOf()).toBe('2 learning');
      const end = phaseOf();
      await vi.waitFor(() => expect(submit).toHaveBeenCalledTimes(1 + 2 * DEFAULT_SETTINGS.ppo.ppoEpochs));
      open();
      expect(await end).toBe('2 learning');
    } finally {
      open();
      GPUBuffer.prototype.mapAsync = mapAsync;
      submit.mockRestore();
    }
    await steps.return(undefined);
    dispose();
  });

  it('200 updates of PPO leave the tensors and the bytes of the GPU as the tenth left them', async () => {
    const { state, dispose } = freshPpo(SMALL);
    const before = memory().tensors;
    const look = () => {
      const { numBytesAllocatedInGPU: allocated, ...pooled } = tf.memory() as tf.MemoryInfo &
        Record<'numBytesAllocatedInGPU', number>;
      return { used: { ...memory(), pooled }, allocated };
    };
    let tenth: ReturnType<typeof look> | undefined;
    for await (const { step, metrics } of ppoOf(state, 200)) {
      if (!metrics) continue;
      if (step === 10) tenth = look();
      if (step !== 200) continue;
      const last = look();
      expect(last.used).toEqual(tenth?.used);
      // It may be less: the pool gives back sizes that only an earlier test asked for (gpu/bufferPool.ts).
      expect(last.allocated).toBeLessThanOrEqual(tenth?.allocated ?? 0);
    }
    expect(tenth).toBeDefined();
    dispose();
    expect(memory().tensors).toBeLessThan(before);
  });
});
