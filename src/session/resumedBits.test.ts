import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KL_LOSSES, type PpoSettings } from '../config';
import { startDevice } from '../gpu/device';
import { METHODS } from '../methods';
import { readVariables } from '../model/checkpoint';
import { rewardModelFrom } from '../model/rewardHead';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../model/safetensors';
import { hash4, permutation } from '../ops/counterRandom';
import type { SavedState, Stage } from './stage';
import { PpoStage } from './stages/ppoStage';
import { PreferenceStage } from './stages/preferenceStage';
import { SamplingStage } from './stages/samplingStage';
import { TOY_SETTINGS, toyRankings, toyWorkshop } from './toyWorkshop';
import type { Workshop } from './workshop';

const UPDATES = 5;
/** A controller that moves the leash of a batch of this size. */
const LEASH = { adaptiveKl: 1, klTarget: 2, klHorizon: 20 };
const SETTINGS: PpoSettings = { ...TOY_SETTINGS.ppo, updates: UPDATES, ppoEpochs: 2 };

/** Each keeps other numbers between updates. */
const RUNS: [what: string, settings: Partial<PpoSettings>][] = [
  ['the standard settings', {}],
  ['a fixed coefficient and a value model from zero', { adaptiveKl: 0, valueFromReward: 0 }],
  ['a shared value head and a slow copy', { sharedValue: 1, emaDecay: 0.9, dualClip: 3 }],
  [
    'the pretraining mix and every other term of the loss',
    { ptxCoef: 0.5, entropyCoef: 0.01, klLoss: KL_LOSSES.indexOf('exact'), klLossCoef: 0.2 },
  ],
];
/** Of each; no two of one are the same. */
const POINTS_EACH = 5;

/** Those without a value model, with what each changes of the toy's settings. */
const OTHERS = METHODS.filter(({ family }) => family !== 'ppo').map(
  (method, series) => [method.name, method, series] as const,
);

/** A checkpoint, and how far the run came that it is left of. */
interface Left extends SavedState {
  /** Pieces of work, of which a few make an update. */
  yielded: number;
  /** After how many of them each checkpoint was. */
  savedAt: number[];
}

describe('a run that is killed at random points and taken up from its last checkpoint', () => {
  let workshop: Workshop;
  beforeEach(async () => {
    await startDevice('wasm');
    workshop = await toyWorkshop();
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) workshop.models.drop(name);
  });

  /** Runs until it is over or killed, and is left with its last checkpoint. */
  async function runFrom(saved: SavedState | null, make: () => Stage, killed = Infinity): Promise<Left> {
    const stage = make();
    stage.build(saved);
    const checkpoint = async (): Promise<SavedState> => {
      const bytes = writeSafetensors(await readVariables(stage.variables()));
      const numbers = { ...stage.numbers() };
      return { step: numbers['update'] ?? numbers['step'] ?? 0, weights: readSafetensors(bytes).tensors, numbers };
    };
    let last = saved ?? (await checkpoint());
    let yielded = 0;
    const savedAt: number[] = [];
    for await (const { metrics } of stage.run(new AbortController().signal)) {
      yielded += 1;
      if (metrics) {
        last = await checkpoint();
        savedAt.push(yielded);
      }
      if (yielded >= killed) break;
    }
    stage.release();
    return { ...last, yielded, savedAt };
  }

  /**
   * Kills it at places between its first checkpoint and its end, in the middle of an update as well, and once more on
   * the way from there.
   * @param series of random numbers; another one is killed elsewhere
   */
  async function expectSameBits(make: () => Stage, points: number, series: number): Promise<SavedState> {
    const alone = await runFrom(null, make);
    const earliest = alone.savedAt[0] ?? Infinity;
    const places = permutation(alone.yielded - earliest, series, 0).slice(0, points);
    expect(places).toHaveLength(points);
    for (const place of places) {
      const first = earliest + place;
      const broken = await runFrom(null, make, first);
      expect(broken.step).toBeGreaterThan(0);
      expect(broken.step).toBeLessThan(alone.step);
      const left = alone.yielded - (broken.savedAt.at(-1) ?? 0);
      const second = 1 + (hash4(series, first, 1, 0) % Math.max(1, left - 1));
      const again = await runFrom(broken, make, second);
      const resumed = await runFrom(again, make);
      expect(resumed.numbers, `killed after ${first} and ${second}`).toEqual(alone.numbers);
      expect(differing(resumed.weights, alone.weights), `killed after ${first} and ${second}`).toEqual([]);
    }
    return alone;
  }

  it.each(RUNS.map((run, series) => [...run, series] as const))(
    'ends with the weights, moments and numbers of one that was left alone, to the bit: PPO with %s',
    async (_, changes, series) => {
      const settings = { ...SETTINGS, ...changes };
      const make = (): Stage => new PpoStage(workshop, settings, ['Hello!'], false, 7);
      const alone = await expectSameBits(make, POINTS_EACH, series);
      expect(alone.step).toBe(UPDATES);
    },
    120_000,
  );

  it.each(OTHERS)(
    'ends with the weights, moments and numbers of one that was left alone, to the bit: %s',
    async (name, { family, changes }, series) => {
      const { updates, prompts, replies, minibatchSize, epochs } = TOY_SETTINGS.policyGradient;
      const small = { ...TOY_SETTINGS.policyGradient, ...LEASH, ...changes, updates, prompts, minibatchSize, epochs };
      const ofGroups = { ...small, replies: changes?.replies ?? replies };
      const request = { method: name, continuePolicy: false };
      const make = (): Stage =>
        family === 'preferences'
          ? new PreferenceStage(
              workshop,
              { ...request, settings: { ...TOY_SETTINGS.preferences, ...changes }, rankings: toyRankings(12) },
              7,
            )
          : new SamplingStage(workshop, { ...request, settings: ofGroups, ownPrompts: [], ownReward: null }, 7);
      const alone = await expectSameBits(make, 2, series);
      const start = workshop.models.weights('sft');
      const [first] = start ? [...start.keys()] : [];
      expect(alone.weights.get(`policy.${first}`)?.values).not.toEqual(start?.get(first as string)?.values);
    },
    60_000,
  );

  it('ends with the bits of one that was left alone: RLOO with a slow copy, at whose weights the policy ends', async () => {
    const settings = { ...TOY_SETTINGS.policyGradient, ...LEASH, emaDecay: 0.9 };
    const request = { method: 'RLOO', settings, ownPrompts: [], ownReward: null, continuePolicy: false } as const;
    const make = (): Stage => new SamplingStage(workshop, request, 7);
    const alone = await expectSameBits(make, 2, OTHERS.length);
    const [first] = [...(workshop.models.weights('sft')?.keys() ?? [])];
    const slow = alone.weights.get(`slow.${first}`)?.values;
    expect(slow).toBeDefined();
    expect(slow).not.toEqual(alone.weights.get(`policy.${first}`)?.values);
    const stage = make();
    stage.build(alone);
    await stage.finish();
    stage.release();
    expect(workshop.models.weights('policy')?.get(first as string)?.values).toEqual(slow);
  });
});

/** Names of the tensors that are not the same, bit for bit. */
function differing(one: ReadonlyMap<string, StoredTensor>, other: ReadonlyMap<string, StoredTensor>): string[] {
  const bits = (tensor: StoredTensor | undefined): string =>
    tensor ? new Uint32Array(Float32Array.from(tensor.values).buffer).join() : 'none';
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => bits(one.get(name)) !== bits(other.get(name)));
}
