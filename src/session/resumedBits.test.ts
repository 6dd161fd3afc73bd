import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KL_LOSSES, type PpoSettings } from '../config';
import { startDevice } from '../gpu/device';
import { readVariables } from '../model/checkpoint';
import { rewardModelFrom } from '../model/rewardHead';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../model/safetensors';
import { hash4 } from '../ops/counterRandom';
import type { SavedState } from './stage';
import { PpoStage } from './stages/ppoStage';
import { TOY_SETTINGS, toyWorkshop } from './toyWorkshop';
import type { Workshop } from './workshop';

const UPDATES = 5;
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
const POINTS_EACH = 5;

describe('a PPO run that is killed at random points and taken up from its last checkpoint', () => {
  let workshop: Workshop;
  beforeEach(async () => {
    await startDevice('wasm');
    workshop = await toyWorkshop();
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModel(rewardModelFrom(sft, 1));
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) workshop.models.drop(name);
  });

  /** Runs until the last checkpoint that is in reach; `killed` counts everything that a run yields. */
  async function runFrom(saved: SavedState | null, settings: PpoSettings, killed = Infinity): Promise<SavedState> {
    const stage = new PpoStage(workshop, settings, ['Hello!'], false, 7);
    stage.build(saved);
    const checkpoint = async (): Promise<SavedState> => {
      const bytes = writeSafetensors(await readVariables(stage.variables()));
      const numbers = { ...stage.numbers() };
      return { step: numbers['update'] ?? 0, weights: readSafetensors(bytes).tensors, numbers };
    };
    let last = saved ?? (await checkpoint());
    let yielded = 0;
    for await (const { metrics } of stage.run(new AbortController().signal)) {
      if (metrics) last = await checkpoint();
      if (++yielded >= killed) break;
    }
    stage.release();
    return last;
  }

  it.each(RUNS)(
    'ends with the weights, moments and numbers of one that was left alone, to the bit: %s',
    async (_, changes) => {
      const settings = { ...SETTINGS, ...changes };
      const alone = await runFrom(null, settings);
      expect(alone.step).toBe(UPDATES);
      for (let point = 0; point < POINTS_EACH; point++) {
        // Somewhere within, in the middle of an update as well; and once more on the way.
        const [first, second] = [0, 1].map((turn) => 1 + (hash4(RUNS.length, point, turn, 0) % (4 * UPDATES - 2)));
        const broken = await runFrom(null, settings, first);
        const again = await runFrom(broken, settings, second);
        const resumed = await runFrom(again, settings);
        expect(resumed.numbers, `killed after ${first} and ${second}`).toEqual(alone.numbers);
        expect(differing(resumed.weights, alone.weights), `killed after ${first} and ${second}`).toEqual([]);
      }
    },
    120_000,
  );
});

/** Names of the tensors that are not the same, bit for bit. */
function differing(one: ReadonlyMap<string, StoredTensor>, other: ReadonlyMap<string, StoredTensor>): string[] {
  const bits = (tensor: StoredTensor | undefined): string =>
    tensor ? new Uint32Array(Float32Array.from(tensor.values).buffer).join() : 'none';
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => bits(one.get(name)) !== bits(other.get(name)));
}
