import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RANKING_LOSSES, type Settings } from '../config';
import { InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { type MethodInfo, METHODS, policyGradientDefaults } from '../methods';
import { metricInfo } from '../metrics';
import { type SettingInfo, SETTINGS as SETTING_INFO } from '../settingInfo';
import { readVariables } from '../model/checkpoint';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../model/safetensors';
import { rewardModelFrom, rewardParameters } from '../model/rewardHead';
import type { CheckpointName, MetricValues, Ranking, StageReport } from './protocol';
import type { HostWeights } from './models';
import type { SavedState, Stage } from './stage';
import { policyWeightsOf } from './stages/policyCheckpoint';
import { PpoStage } from './stages/ppoStage';
import { PreferenceStage } from './stages/preferenceStage';
import { PretrainStage } from './stages/pretrainStage';
import { RewardModelStage } from './stages/rewardModelStage';
import { SamplingStage } from './stages/samplingStage';
import { SftStage } from './stages/sftStage';
import { TOY_SETTINGS as SETTINGS, toyRankings, toyWorkshop } from './toyWorkshop';
import type { Workshop } from './workshop';

const SEED = 5;
const MAKE: Record<Stage['name'], (workshop: Workshop) => Stage> = {
  pretrain: (workshop) => new PretrainStage(workshop, SETTINGS.pretrain, SEED),
  sft: (workshop) => new SftStage(workshop, SETTINGS.sft, [], SEED),
  rewardModel: (workshop) => new RewardModelStage(workshop, SETTINGS.rewardModel, toyRankings(12), [], SEED),
  ppo: (workshop) => new PpoStage(workshop, SETTINGS.ppo, ['Hello!'], false, SEED),
};
const STAGES = ['pretrain', 'sft', 'rewardModel', 'ppo'] as const;

/** What a checkpoint file would bring back. */
async function throughAFile(stage: Stage): Promise<SavedState> {
  const bytes = writeSafetensors(await readVariables(stage.variables()));
  const numbers = stage.numbers();
  const step = numbers['update'] ?? numbers['step'] ?? 0;
  return { step, weights: readSafetensors(bytes).tensors, numbers: { ...numbers } };
}

/** Takes steps until `until` are done; what the last one reported. */
async function take(stage: Stage, until = Infinity): Promise<MetricValues> {
  let last: MetricValues = {};
  for await (const { step, metrics } of stage.run(new AbortController().signal)) {
    for (const key of Object.keys(metrics ?? {})) expect(metricInfo(stage.name, key), key).toBeDefined();
    last = metrics ?? last;
    if (metrics && step >= until) break;
  }
  return last;
}

async function finish(stage: Stage): Promise<void> {
  await stage.finish();
  stage.release();
}

type Changes = Partial<Settings['policyGradient'] & Settings['preferences']>;

/** A policy by every method but PPO, with what is changed of a method's settings. */
function otherMethods(
  workshop: Workshop,
  changed: (info: MethodInfo) => Changes = () => ({}),
): [string, () => Stage][] {
  return METHODS.flatMap((info): [string, () => Stage][] => {
    const { name, family, changes } = info;
    if (family === 'ppo') return [];
    const { replies, ...small } = SETTINGS.policyGradient;
    const sampling = {
      ...policyGradientDefaults(name),
      ...small,
      replies: changes?.replies ?? replies,
      ...changed(info),
    };
    const request = { method: name, continuePolicy: false };
    if (family === 'policyGradient')
      return [
        [
          name,
          () =>
            new SamplingStage(
              workshop,
              { ...request, settings: sampling, ownPrompts: ['Hello!'], ownReward: null },
              SEED,
            ),
        ],
      ];
    const settings = { ...SETTINGS.preferences, ...changes, ...changed(info) };
    return [[name, () => new PreferenceStage(workshop, { ...request, settings, rankings: toyRankings(12) }, SEED)]];
  });
}

describe('the stages', () => {
  let workshop: Workshop;
  let before = 0;
  beforeEach(async () => {
    await startDevice('wasm');
    before = tf.memory().numTensors;
    workshop = await toyWorkshop();
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) workshop.models.drop(name);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('make a policy by every method, report its drift at the end and nothing that is not explained, and leave no tensor behind', async () => {
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
    for (const [name, make] of otherMethods(workshop)) {
      const stage = make();
      stage.build(null);
      expect(workshop.models.report().policy, name).not.toBe('none');
      const last = await take(stage);
      expect(last['objective/kl'], name).toSatisfy(Number.isFinite);
      await finish(stage);
      expect(workshop.models.report().policy, name).toBe('trained');
      workshop.models.drop('policy');
    }
  });

  it('end with the same bits whatever the settings are that their method is said to ignore', async () => {
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
    const brief = { policyGradient: { updates: 2 }, preferences: { epochs: 1 }, ppo: {} };
    const bitsBy = async (methods: readonly MethodInfo[], changed: (info: MethodInfo) => Changes) => {
      const ends = new Map<string, HostWeights | null>();
      for (const [name, make] of otherMethods(workshop, (info) => ({ ...brief[info.family], ...changed(info) }))) {
        if (!methods.some((method) => method.name === name)) continue;
        const stage = make();
        stage.build(null);
        await take(stage);
        await finish(stage);
        ends.set(name, workshop.models.weights('policy'));
        workshop.models.drop('policy');
      }
      return ends;
    };
    /** Another value of a setting, in its range. */
    const another = (family: MethodInfo['family'], key: string): number => {
      const { min, max } = (SETTING_INFO[family] as Record<string, SettingInfo>)[key] as SettingInfo;
      const standard = (SETTINGS[family] as unknown as Record<string, number>)[key] as number;
      return standard === max ? min : Math.min(max, standard + 1);
    };
    const plain = await bitsBy(METHODS, () => ({}));
    const ignored = await bitsBy(METHODS, ({ family, ignores }) =>
      Object.fromEntries(ignores.map((key) => [key, another(family, key)])),
    );
    for (const [name, weights] of plain) expect(ignored.get(name), name).toEqual(weights);
    // The guard is heard where it is said to be.
    const held = METHODS.filter(({ name }) => name === 'online DPO' || name === 'KTO');
    for (const [name, weights] of await bitsBy(held, () => ({ guardCoef: 1 })))
      expect(weights, name).not.toEqual(plain.get(name));
  }, 120_000);

  it('refuse one reply a prompt where replies are compared, and rankings without a pair', () => {
    const one = { ...SETTINGS.policyGradient, replies: 1 };
    const common = { continuePolicy: false, ownPrompts: [], ownReward: null };
    expect(() => new SamplingStage(workshop, { ...common, method: 'RLOO', settings: one }, 1)).toThrow(InputError);
    const tied = toyRankings(3).map((ranking) => ({ ...ranking, ranks: [1, 1] }));
    const request = { method: 'DPO', settings: SETTINGS.preferences, rankings: tied, continuePolicy: false } as const;
    expect(() => new PreferenceStage(workshop, request, 1)).toThrow(InputError);
  });

  it('by KTO learns from thumbs of single replies, which change no other stage, and refuses thumbs of one kind', async () => {
    const thumb = (n: number): Ranking => ({
      ...toyRankings(n + 1)[n]!,
      ...{ replies: [n % 2 ? 'dunno lol' : 'Yes, it is.'], ranks: [1], thumbs: [n % 2 ? 'down' : 'up'] },
    });
    const single = Array.from({ length: 6 }, (_, n) => thumb(n));
    const make = (method: 'KTO' | 'DPO', rankings: Ranking[]): PreferenceStage =>
      new PreferenceStage(workshop, { method, settings: SETTINGS.preferences, rankings, continuePolicy: false }, SEED);
    const alone = make('KTO', single);
    alone.build(null);
    await take(alone);
    expect(alone.numbers()['step']).toBe(alone.steps);
    alone.release();
    const ups = single.filter(({ thumbs }) => thumbs?.[0] === 'up');
    expect(() => make('KTO', ups)).toThrow('KTO needs thumbs up and thumbs down, got 3 up and 0 down.');
    expect(() => make('KTO', [])).toThrow(InputError);
    expect(() => make('DPO', single)).toThrow(InputError);
    const paired = toyRankings(12);
    expect(make('DPO', [...single, ...paired]).steps).toBe(make('DPO', paired).steps);
    const reward = (rankings: Ranking[]): number =>
      new RewardModelStage(workshop, SETTINGS.rewardModel, rankings, [], SEED).steps;
    expect(reward([...single, ...paired])).toBe(reward(paired));
  });

  /** Runs a stage from its beginning to its end. */
  async function whole(name: Stage['name']): Promise<Stage> {
    const stage = MAKE[name](workshop);
    stage.build(null);
    await take(stage);
    await finish(stage);
    return stage;
  }
  /** A PPO run needs a reward model; one that nobody trained will do. */
  async function prepare(name: Stage['name']): Promise<void> {
    const sft = workshop.models.gpt('sft');
    if (name === 'ppo' && sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
  }

  it.each(STAGES)('%s that goes on from a checkpoint ends with the weights of one that never stopped', async (name) => {
    await prepare(name);
    const results: ReadonlyMap<string, StoredTensor>[] = [];
    const through = MAKE[name](workshop);
    through.build(null);
    await take(through);
    results.push(await readVariables(through.variables()));
    through.release();

    const broken = MAKE[name](workshop);
    broken.build(null);
    await take(broken, 2);
    const saved = await throughAFile(broken);
    broken.release();

    const resumed = MAKE[name](workshop);
    resumed.build(saved);
    await take(resumed);
    results.push(await readVariables(resumed.variables()));
    expect(resumed.numbers()).toEqual(through.numbers());
    resumed.release();
    expect(results[1]).toEqual(results[0]);
  });

  it.each(STAGES)('%s takes the steps that it promised, and learns something in them', async (name) => {
    await prepare(name);
    const stage = MAKE[name](workshop);
    stage.build(null);
    const first = await readVariables(stage.variables());
    let steps = 0;
    for await (const { step, metrics, steps: promised } of stage.run(new AbortController().signal)) {
      expect(promised).toBe(stage.steps);
      if (metrics) steps = step;
    }
    expect(steps).toBe(stage.steps);
    expect(await readVariables(stage.variables())).not.toEqual(first);
    stage.release();
  });

  it.each(STAGES)('%s goes back to where it was', async (name) => {
    await prepare(name);
    const stage = MAKE[name](workshop);
    stage.build(null);
    await take(stage, 1);
    const numbers = stage.numbers();
    await take(stage, 2);
    expect(stage.numbers()).not.toEqual(numbers);
    stage.setNumbers(numbers);
    expect(stage.numbers()).toEqual(numbers);
    stage.release();
  });

  it.each<[Stage['name'], CheckpointName, Partial<StageReport>]>([
    ['pretrain', 'base', { base: 'trained', sft: 'none', rewardModel: 'none', policy: 'none' }],
    ['sft', 'sft', { base: 'shipped', sft: 'trained', rewardModel: 'trained', policy: 'none' }],
    ['rewardModel', 'rewardModel', { base: 'shipped', sft: 'shipped', rewardModel: 'trained' }],
    ['ppo', 'policy', { base: 'shipped', sft: 'shipped', rewardModel: 'trained', policy: 'trained' }],
  ])('%s puts %s to use, and what was made from another goes', async (name, checkpoint, report) => {
    await prepare('ppo');
    workshop.models.load('policy', workshop.models.weights('sft') ?? new Map(), 'trained');
    const stage = await whole(name);
    expect(stage.checkpoint).toBe(checkpoint);
    expect(workshop.models.report()).toMatchObject(report);
  });

  describe('rewardModel', () => {
    it('holds one ranking in ten out where it is given none, and reports on those', async () => {
      const stage = MAKE.rewardModel(workshop) as RewardModelStage;
      stage.build(null);
      await take(stage);
      await finish(stage);
      expect(stage.report).toMatchObject({ rankings: 10, pairs: 10, heldOutPairs: 2 });
      expect(stage.report?.heldOutAccuracy).toBeGreaterThanOrEqual(0);
      const given = new RewardModelStage(workshop, SETTINGS.rewardModel, toyRankings(12), toyRankings(3), SEED);
      given.build(null);
      await finish(given);
      expect(given.report).toMatchObject({ rankings: 12, heldOutPairs: 3 });
    });

    it('trains several side by side, each to the bit as it would be alone, and keeps them in one file', async () => {
      const settings = { ...SETTINGS.rewardModel, members: 3, normalise: 0 };
      const several = new RewardModelStage(workshop, settings, toyRankings(12), [], SEED);
      several.build(null);
      await take(several, 2);
      const half = await throughAFile(several);
      several.release();
      const resumed = new RewardModelStage(workshop, settings, toyRankings(12), [], SEED);
      resumed.build(half);
      await take(resumed);
      await finish(resumed);
      expect(resumed.report?.membersAccuracy).toHaveLength(3);
      const weights = workshop.models.weights('rewardModel');
      workshop.models.load('rewardModel', weights ?? new Map(), 'trained');
      const members = workshop.models.rewardModels;
      expect(members).toHaveLength(3);
      for (const [i, member] of members.entries()) {
        const alone = new RewardModelStage(workshop, { ...settings, members: 1 }, toyRankings(12), [], SEED + 1000 * i);
        alone.build(null);
        await take(alone);
        const trained = alone.variables();
        for (const [name, variable] of rewardParameters(member))
          expect([...variable.dataSync()], name).toEqual([...(trained.get(name)?.dataSync() ?? [])]);
        alone.release();
      }
    });

    it('trains a rule model beside it from flags, which goes on from a checkpoint, is told of and pays', async () => {
      const settings = { ...SETTINGS.rewardModel, ruleModel: 1 };
      const looked = toyRankings(12).map((ranking) => ({ ...ranking, violations: [false, true] }));
      expect(() => new RewardModelStage(workshop, settings, toyRankings(12), [], SEED)).toThrow(InputError);
      const weights: StoredTensor[] = [];
      for (const stopAt of [Infinity, 2]) {
        let stage = new RewardModelStage(workshop, settings, looked, [], SEED);
        stage.build(null);
        await take(stage, stopAt);
        if (stopAt < Infinity) {
          const half = await throughAFile(stage);
          stage.release();
          stage = new RewardModelStage(workshop, settings, looked, [], SEED);
          stage.build(half);
          await take(stage);
        }
        await finish(stage);
        expect(stage.report?.rule).toMatchObject({ breaches: 2, kept: 2 });
        const head = workshop.models.weights('rewardModel')?.get('rule.score.weight');
        if (head) weights.push(head);
      }
      expect(weights).toHaveLength(2);
      expect(weights[1]?.values).toEqual(weights[0]?.values);
      workshop.models.load('rewardModel', workshop.models.weights('rewardModel') ?? new Map(), 'trained');
      expect(workshop.models.ruleModel).not.toBeNull();
      const paid: number[] = [];
      for (const ruleWeight of [0, 5]) {
        const ppo = new PpoStage(workshop, { ...SETTINGS.ppo, updates: 1, ruleWeight }, [], false, SEED);
        ppo.build(null);
        for await (const { metrics } of ppo.run(new AbortController().signal))
          if (metrics) paid.push(metrics['objective/scores'] as number);
        await finish(ppo);
        workshop.models.drop('policy');
      }
      expect(paid[1]).toBeLessThan(paid[0] as number);
    });

    it('learns from rankings that are all ties where every pair counts, and leaves them out of the other losses', () => {
      const mixed = toyRankings(8).map((ranking, i) => (i % 2 ? ranking : { ...ranking, ranks: [1, 1] }));
      const steps = RANKING_LOSSES.map((_, loss) => {
        const settings = { ...SETTINGS.rewardModel, loss, ties: 1, epochs: 1, rankingsPerStep: 1 };
        return new RewardModelStage(workshop, settings, mixed, toyRankings(1), SEED).steps;
      });
      expect(steps).toEqual([8, 4, 4]);
    });

    it('refuses rankings that say of nothing that it is better', () => {
      const ties = toyRankings(4).map((ranking) => ({ ...ranking, ranks: [1, 1] }));
      expect(() => new RewardModelStage(workshop, SETTINGS.rewardModel, ties, [], SEED)).toThrow(InputError);
      expect(() => new RewardModelStage(workshop, SETTINGS.rewardModel, [], [], SEED)).toThrow(InputError);
    });
  });

  describe('ppo', () => {
    it('is paid by several reward models no more than their mean, by the least pleased or the lower bound', async () => {
      const sft = workshop.models.gpt('sft');
      if (sft) await workshop.models.installRewardModels([1, 2, 3].map((seed) => rewardModelFrom(sft, seed)));
      const paid: number[] = [];
      const ways = [{ aggregation: 0 }, { aggregation: 1 }, { aggregation: 2 }, { aggregation: 0, scoreScale: -1 }];
      for (const way of ways) {
        const settings = { ...SETTINGS.ppo, ...way, updates: 1, missingEosPenalty: 0 };
        const stage = new PpoStage(workshop, settings, [], false, SEED);
        stage.build(null);
        for await (const { metrics } of stage.run(new AbortController().signal))
          if (metrics) paid.push(metrics['objective/scores'] as number);
        await finish(stage);
        workshop.models.drop('policy');
      }
      expect(paid).toHaveLength(ways.length);
      expect(paid[3]).toBeCloseTo(-(paid[0] as number), 5);
      expect(paid[1]).toBeLessThan(paid[0] as number);
      expect(paid[2]).toBeLessThan(paid[0] as number);
      expect(paid[1]).not.toBeCloseTo(paid[2] as number, 4);
    });

    it('lets the chat talk to the policy while it learns', async () => {
      await prepare('ppo');
      const stage = MAKE.ppo(workshop);
      stage.build(null);
      const policy = workshop.models.gpt('policy');
      const read = (): number[] => [...(policy?.parameters.get('transformer.wte.weight') as tf.Variable).dataSync()];
      const first = read();
      expect(first).toEqual([...(workshop.models.weights('sft')?.get('transformer.wte.weight')?.values ?? [])]);
      await take(stage, 1);
      expect(workshop.models.gpt('policy')).toBe(policy);
      expect(read()).not.toEqual(first);
      await finish(stage);
      expect(workshop.models.gpt('policy')).toBe(policy);
    });

    it.each([true, false])('that is undone leaves the policy that there was (going on from it: %s)', async (goOn) => {
      await prepare('ppo');
      for (const there of [false, true]) {
        if (there) await whole('ppo');
        const weights = workshop.models.weights('policy');
        const stage = new PpoStage(workshop, SETTINGS.ppo, [], goOn, SEED);
        stage.build(null);
        await take(stage, 1);
        stage.undo();
        stage.release();
        expect(workshop.models.weights('policy')).toBe(weights);
        const name = 'transformer.wte.weight';
        const now = workshop.models.gpt('policy')?.parameters.get(name)?.dataSync();
        expect(now).toEqual(weights?.get(name)?.values);
      }
    });

    it('keeps in its checkpoint the policy as a model of its own', async () => {
      await prepare('ppo');
      const stage = MAKE.ppo(workshop);
      stage.build(null);
      await take(stage, 1);
      const { weights } = await throughAFile(stage);
      await finish(stage);
      const policy = policyWeightsOf(weights);
      for (const [name, tensor] of workshop.models.weights('policy') ?? []) expect(policy.get(name)).toEqual(tensor);
    });

    it('keeps half of the context for the prompts, however long a reply is asked for', async () => {
      await prepare('ppo');
      const settings = { ...SETTINGS.ppo, updates: 1, batchSize: 2, maxNewTokens: 200 };
      const stage = new PpoStage(workshop, settings, ['Where does Mira live?'], false, SEED);
      stage.build(null);
      for await (const { samples } of stage.run(new AbortController().signal)) {
        if (samples) expect(samples[0]?.prompt).toContain('Where does Mira live?');
      }
      stage.release();
    });

    it('begins at the reference, or where the policy is if asked to', async () => {
      await prepare('ppo');
      await whole('ppo');
      const trained = workshop.models.weights('policy')?.get('transformer.wte.weight')?.values;
      const reference = workshop.models.weights('sft')?.get('transformer.wte.weight')?.values;
      for (const [goOn, expected] of [
        [true, trained],
        [false, reference],
      ] as const) {
        const stage = new PpoStage(workshop, SETTINGS.ppo, [], goOn, SEED);
        stage.build(null);
        const start = stage.variables().get('policy.transformer.wte.weight') as tf.Variable;
        expect([...start.dataSync()]).toEqual([...(expected ?? [])]);
        stage.release();
      }
    });
  });

  it('say what they lack', () => {
    workshop.models.drop('sft');
    workshop.models.drop('base');
    for (const name of ['sft', 'rewardModel', 'ppo'] as const) {
      const stage = MAKE[name](workshop);
      expect(() => stage.build(null), name).toThrow(InputError);
      stage.release();
    }
  });

  it('learn from what a person demonstrated first of all', () => {
    const own = [{ id: 'mine', conversation: [{ role: 'user' as const, text: 'Hi' }], reply: 'Good day.' }];
    const stage = new SftStage(workshop, { ...SETTINGS.sft, epochs: 1, batchSize: 1 }, own, SEED);
    expect(stage.steps).toBe(SETTINGS.sft.examples + 1);
  });
});
