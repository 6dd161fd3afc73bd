import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../../src/gpu/device';
import { toyRankings, toyWorkshop, TOY_SETTINGS } from '../../src/session/toyWorkshop';
import type { Workshop } from '../../src/session/workshop';
import { worldPrompts } from '../../src/text/world/prompts';
import { createWorld } from '../../src/text/world/world';
import { fewShotExamples } from './fewShot';
import { fineTune } from './fineTuning';
import { instructionData, settingsFor } from './instructionData';
import { learnFrom, type LoopOutcome, type LoopPlan, type OnPiece } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import { compareMethods, METHOD_NAMES, methodsPlan } from './methods';
import { measureRandomWalks, randomWalksPlan, WALK_METHODS } from './randomWalks';
import { CONTESTS, contestName, smallBeatsLarge } from './smallBeatsLarge';
import { conditionsOf, stepsHelp } from './stepsHelp';
import { tenPrompts, tenPromptsOf } from './tenPrompts';

const FACTS: ModelFacts = { preset: 'toy', parameters: 1, tokens: 1, reach: 'core', heldOutLoss: null, files: {} };
const { rewardModel, ppo, sft } = TOY_SETTINGS;
const LOOP: LoopPlan = {
  seed: 3,
  rankings: 6,
  heldOutRankings: 3,
  labeler: 'balanced',
  settings: { rewardModel: { ...rewardModel, epochs: 1 }, ppo: { ...ppo, updates: 1 } },
};
const world = createWorld(7);

const toyModels = async (): Promise<LoadedModels> => ({ workshop: await toyWorkshop(), facts: FACTS });
const silent = (): void => undefined;

/** The loop with given rankings: what models say that nobody trained is all the same to a labeler. */
const tune = (workshop: Workshop, plan: LoopPlan, onPiece: OnPiece = silent): Promise<LoopOutcome> =>
  learnFrom(workshop, plan, { train: toyRankings(6), heldOut: toyRankings(3) }, onPiece);

describe('experiments on toy models', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'nudge-results-'));
  let workshop: Workshop;
  beforeAll(async () => {
    await startDevice('wasm');
    workshop = await toyWorkshop();
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('the loop makes another policy than it began with, and the same one from the same plan', async () => {
    const outcome = await tune(workshop, LOOP);
    const first = workshop.models.fingerprints();
    expect(first.policy).not.toBe(first.sft);
    expect(outcome.ppo.updates).toBe(1);
    await tune(workshop, LOOP);
    expect(workshop.models.fingerprints().policy).toBe(first.policy);
    await tune(workshop, { ...LOOP, seed: 4 });
    expect(workshop.models.fingerprints().policy).not.toBe(first.policy);
  });

  it('methods: each of them, judged on the same prompts', async () => {
    const plan = methodsPlan('nano', [0], 6, true);
    const learnable = { ...plan, rewardModel: { ...rewardModel, epochs: 1 } };
    const collect = (): Promise<Record<'train' | 'heldOut', ReturnType<typeof toyRankings>>> =>
      Promise.resolve({ train: toyRankings(6), heldOut: toyRankings(3) });
    const { seeds } = await compareMethods(await toyModels(), learnable, silent, collect);
    const alone = await compareMethods(await toyModels(), learnable, silent, collect, ['ILQL']);
    const { ILQL: ilql } = seeds[0]?.outcomes ?? {};
    expect(alone.seeds[0]?.outcomes).toEqual({ ILQL: { ...ilql, seconds: expect.any(Number) as number } });
    expect(alone.seeds[0]?.sft).toEqual(seeds[0]?.sft);
    expect(Object.keys(seeds[0]?.outcomes ?? {})).toEqual(METHOD_NAMES);
    for (const [name, { winRate, gold, kl, flops }] of Object.entries(seeds[0]?.outcomes ?? {})) {
      const { wins, ties, losses } = winRate;
      expect(wins + ties + losses, name).toBe(4 * learnable.prompts);
      expect(gold.mean, name).toBeGreaterThanOrEqual(0);
      expect(flops, name).toBeGreaterThan(0);
      expect(kl === null, name).toBe(name === 'best of n');
    }
  });

  it('random walks: every method, in every seed, the same from the same seed', async () => {
    const found = await measureRandomWalks(randomWalksPlan([0, 1], true), silent);
    const again = await measureRandomWalks(randomWalksPlan([1], true), silent);
    expect(found.seeds.map(({ seed }) => seed)).toEqual([0, 1]);
    for (const method of WALK_METHODS) {
      const [own, same] = [found.seeds[1]?.outcomes[method], again.seeds[0]?.outcomes[method]];
      for (const share of [own?.sampled, own?.greedy, own?.arrived]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
      expect({ ...same, seconds: 0 }).toEqual({ ...own, seconds: 0 });
    }
  });

  it('small beats large: every contest, in every seed, by every held-out labeler', async () => {
    const { seed: _, ...loop } = LOOP;
    const plan = { seeds: [0, 1], prompts: 4, samples: 2, temperature: 1, shots: 2, windows: 2, loop };
    const found = await smallBeatsLarge(await toyModels(), await toyModels(), plan, silent, tune);
    expect(found.seeds.map(({ seed }) => seed)).toEqual([0, 1]);
    for (const { contests } of found.seeds) {
      expect(Object.keys(contests)).toEqual(CONTESTS.map(contestName));
      for (const { byLabeler, mean } of Object.values(contests)) {
        expect(Object.keys(byLabeler)).toEqual(['warm', 'brisk', 'careful', 'strict']);
        expect(mean.wins + mean.ties + mean.losses).toBe(4 * 4 * 4);
      }
    }
    expect(found.text.small.base.perplexity).toBeGreaterThan(100);
    expect(found.text.small).toEqual(found.text.large);
  });

  it('steps help: both ways of asking, greedy and sampled, held out and in other words', async () => {
    const plan = { preset: 'nano' as const, seeds: [0], sft: { ...sft, epochs: 1 }, prompts: 3, samples: 2 };
    const { seeds } = await stepsHelp(await toyModels(), plan, null, silent);
    expect(seeds[0]?.cells.map(({ pairs, steps, temperature }) => `${pairs} ${steps} ${temperature}`)).toEqual([
      'held out false 0',
      'held out false 1',
      'held out true 0',
      'held out true 1',
      'in other words false 0',
      'in other words false 1',
      'in other words true 0',
      'in other words true 1',
    ]);
  });

  it('instruction data: the base model twice, then every number of demonstrations', async () => {
    const plan = {
      preset: 'nano' as const,
      seeds: [0],
      prompts: 4,
      shots: 2,
      counts: [2, 4],
      sft: { ...sft, epochs: 1 },
    };
    const { seeds, promptsBySide } = await instructionData(await toyModels(), plan, folder, silent);
    expect(seeds[0]?.points.map(({ demonstrations, shots }) => [demonstrations, shots])).toEqual([
      [0, 0],
      [0, 2],
      [2, 0],
      [4, 0],
    ]);
    expect(Object.values(promptsBySide).reduce((sum, count) => sum + count, 0)).toBe(4);
  });

  it('a fine-tuned model that was kept is the one that would be made', async () => {
    const settings = { ...sft, examples: 3, epochs: 1 };
    const before = readdirSync(folder).length;
    await fineTune(workshop, settings, 5, folder, silent);
    const made = workshop.models.fingerprints().sft;
    expect(readdirSync(folder)).toHaveLength(before + 1);
    await fineTune(workshop, settings, 6, folder, silent);
    expect(workshop.models.fingerprints().sft).not.toBe(made);
    await fineTune(workshop, settings, 5, folder, silent);
    expect(workshop.models.fingerprints().sft).toBe(made);
    expect(readdirSync(folder)).toHaveLength(before + 2);
  });

  it('ten prompts: each to all three models', async () => {
    const models = { workshop, facts: FACTS };
    await tune(workshop, LOOP);
    const { rows } = await tenPrompts(models, { preset: 'nano', temperature: 0, seed: 0 });
    expect(rows).toHaveLength(10);
    for (const { replies } of rows) expect(Object.keys(replies)).toEqual(['base', 'sft', 'policy']);
  });
});

describe('what is asked', () => {
  it('sums: the same numbers with and without steps, all over ten, held-out ones in no training prompt', () => {
    const [plain, steps] = conditionsOf(world, 1000);
    const sumsOf = (condition: typeof plain): string[] =>
      [
        ...new Set(
          condition?.prompts.map(({ expect: due }) => (due.task === 'add' ? `${due.a}+${due.b}=${due.total}` : '')),
        ),
      ].sort();
    expect(sumsOf(plain)).toEqual(sumsOf(steps));
    expect(sumsOf(plain).length).toBeGreaterThan(10);
    for (const sum of sumsOf(plain)) expect(Number(sum.split('=')[1])).toBeGreaterThan(10);
    const trained = new Set(
      worldPrompts(world).train.map(({ expect: due }) => (due.task === 'add' ? `${due.a}+${due.b}=${due.total}` : '')),
    );
    expect(sumsOf(plain).filter((sum) => trained.has(sum))).toEqual([]);
  });

  it('examples in a prompt are of its kind, from the training side, and well answered', () => {
    const { train, heldOut } = worldPrompts(world);
    const trained = new Set(train.map(({ text }) => text));
    const shown = fewShotExamples(world, 3, 1);
    for (const prompt of heldOut.filter(({ kind }) => kind === 'sum').slice(0, 20)) {
      const talk = shown(prompt);
      expect(talk.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user', 'assistant']);
      for (const { role, text } of talk) if (role === 'user') expect(trained.has(text)).toBe(true);
    }
  });

  it('small sets of demonstrations are seen often enough to be learned, large ones as the recipe says', () => {
    const recipe = { ...sft, batchSize: 16, epochs: 1 };
    expect([30, 100, 300, 3000, 6000].map((count) => settingsFor(count, recipe).epochs)).toEqual([20, 20, 11, 2, 1]);
  });

  it('ten different prompts of the core that no training side has, the same ones each time', () => {
    const chosen = tenPromptsOf(world, 0);
    expect(new Set(chosen.map(({ prompt }) => prompt.id)).size).toBe(10);
    for (const { prompt } of chosen) expect([prompt.side === 'train', prompt.circle]).toEqual([false, 'core']);
    const town = createWorld(7, { reach: 'town' });
    expect(tenPromptsOf(town, 0).map(({ prompt }) => prompt.text)).toEqual(chosen.map(({ prompt }) => prompt.text));
  });
});
