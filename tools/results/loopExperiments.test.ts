/** The six results on the whole loop, on toy models: what they store, and how RESULTS.md tells it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../../src/gpu/device';
import { toyRankings, toyWorkshop } from '../../src/session/toyWorkshop';
import { alignmentTax, alignmentTaxPlan } from './alignmentTax';
import { poolWinRateBound } from './bestOfNCurve';
import { bestOfNPlan, bestOfNResult } from './bestOfNResult';
import { MADE } from './exampleRecords';
import { isRlNeeded, isRlNeededPlan, WAYS } from './isRlNeeded';
import { klControl, klControlPlan } from './klControl';
import { labelsNeeded, labelsNeededPlan } from './labelsNeeded';
import type { LoadedModels } from './models';
import { fitted, overOptimisation, overOptimisationPlan } from './overOptimisation';
import { resultsReport, type StoredResult } from './report';
import { appears as taxAppears } from './sections/alignmentTax';
import { appears as bestOfNAppears, compared } from './sections/bestOfN';
import { appears as rlAppears } from './sections/isRlNeeded';
import { appears as controlAppears } from './sections/klControl';
import { appears as labelsAppear } from './sections/labelsNeeded';
import { appears as overAppears } from './sections/overOptimisation';
import type { Rank } from './townBench';

const SEEDS = [0, 1];
const silent = (): void => undefined;
const toyRank: Rank = (_, count) => Promise.resolve(toyRankings(count));
const facts = { preset: 'nano', parameters: 1, tokens: 1, reach: 'core', heldOutLoss: null, files: {} } as const;

/** As RESULTS.md has it: every number is one. */
function told(record: object): string {
  const { markdown, figures } = resultsReport([{ ...record, made: MADE } as StoredResult], {});
  expect(markdown.split("\n").filter((line) => line.includes("NaN"))).toEqual([]);
  expect(Object.keys(figures).length).toBeGreaterThan(0);
  for (const [name, svg] of Object.entries(figures)) {
    expect(markdown).toContain(`results/${name}`);
    expect(svg).not.toContain('NaN');
  }
  return markdown;
}

describe('a result on the whole loop', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startDevice('wasm');
  });
  const models = async (): Promise<LoadedModels> => ({ workshop: await toyWorkshop(), facts: { ...facts, files: {} } });

  it('over-optimisation: curves from SFT on for every number of comparisons', async () => {
    const plan = overOptimisationPlan('nano', SEEDS, true);
    const found = await overOptimisation(await models(), plan, silent, toyRank);
    for (const { sizes } of found.seeds) {
      expect(sizes.map(({ comparisons }) => comparisons)).toEqual(plan.comparisons);
      for (const { rl, bestOfN } of sizes) {
        expect(rl).toHaveLength(1 + plan.ppo.updates / plan.evaluateEvery);
        expect(rl[0]?.kl).toBe(0);
        expect(bestOfN[0]?.kl).toBe(0);
        expect(bestOfN[1]?.proxy).toBeGreaterThanOrEqual(bestOfN[0]?.proxy ?? NaN);
      }
    }
    told(found);
    const curve = (golds: readonly number[]) => golds.map((gold, i) => ({ kl: i * i, gold, proxy: i }));
    const withCurve = (golds: readonly number[]) => ({
      ...found,
      made: MADE,
      seeds: found.seeds.map(({ seed, sizes }) => ({ seed, sizes: sizes.map((size) => ({ ...size, rl: curve(golds) })) })),
    });
    expect(overAppears(withCurve([0.5, 0.7, 0.6]))).toBe(true);
    expect(overAppears(withCurve([0.5, 0.6, 0.7]))).toBe(false);
  });

  it("fits Gao's forms: the coefficients that a curve was made with", () => {
    const points = (cost: (d: number) => number) =>
      [0, 0.5, 1, 1.5, 2, 3].map((d) => ({ kl: d * d, gold: 0.4 + (d === 0 ? 0 : 0.3 * d - 0.1 * cost(d)), proxy: 0 }));
    for (const cost of [(d: number) => d * d, (d: number) => d * Math.log(d)]) {
      const { alpha, beta } = fitted(points(cost), cost);
      expect([alpha, beta]).toEqual([expect.closeTo(0.3, 9), expect.closeTo(0.1, 9)]);
    }
  });

  it('the KL controller: one number an update, and whether the drift was held', async () => {
    const plan = klControlPlan('nano', SEEDS, 6, true);
    const found = await klControl(await models(), plan, silent, toyRank);
    for (const { kl, coefficient, score, gold } of found.seeds)
      for (const column of [kl, coefficient, score, gold]) expect(column).toHaveLength(plan.ppo.updates);
    told(found);
    const holding = (kl: number) => ({
      ...found,
      made: MADE,
      seeds: found.seeds.map((run) => ({ ...run, kl: [0, 9, kl] })),
    });
    expect([5.2, 6.9].map((kl) => controlAppears(holding(kl)))).toEqual([true, true]);
    expect([4.5, 7.5].map((kl) => controlAppears(holding(kl)))).toEqual([false, false]);
  });

  it('best of n: under its bounds, and beside PPO at equal KL', async () => {
    const plan = bestOfNPlan('nano', SEEDS, 6, true);
    const found = await bestOfNResult(await models(), plan, silent, toyRank);
    for (const { bestOfN, ppo } of found.seeds) {
      expect(ppo.map(({ target }) => target)).toEqual(plan.klTargets);
      for (const { n, kl, klBound, proxyWinRate } of bestOfN) {
        expect(kl).toBeLessThanOrEqual(klBound + 1e-9);
        expect(proxyWinRate).toBeLessThanOrEqual(poolWinRateBound(n, plan.pool) + 1e-9);
      }
    }
    told(found);
    const [first] = found.seeds;
    const point = { klBound: 9, proxyWinRate: 0.5, proxy: 0 };
    const at = (ppoGold: number) => ({
      ...found,
      made: MADE,
      seeds: [
        {
          ...first!,
          bestOfN: [
            { ...point, n: 1, kl: 0, gold: 0.5 },
            { ...point, n: 2, kl: 1, gold: 0.7 },
          ],
          ppo: [{ target: plan.klTargets[0]!, kl: 0.5, gold: ppoGold, proxy: 0 }],
        },
      ],
    });
    expect(compared(at(0.55))).toEqual([{ kl: 0.5, difference: expect.closeTo(0.05, 9) }]);
    expect([bestOfNAppears(at(0.55)), bestOfNAppears(at(0.65))]).toEqual([true, false]);
  });

  it('the alignment tax: perplexity and right replies, without and with the mix', async () => {
    const plan = alignmentTaxPlan('nano', SEEDS, 6, true);
    const found = await alignmentTax(await models(), plan, silent, toyRank);
    for (const { base, sft, ppo } of found.seeds) {
      expect(ppo.map(({ ptxCoef }) => ptxCoef)).toEqual(plan.ptxCoefs);
      for (const value of [base, sft.perplexity, ...ppo.map(({ point }) => point.perplexity)])
        expect(value).toBeGreaterThan(1);
      expect(ppo[0]?.point.perplexity).not.toBe(ppo[1]?.point.perplexity);
    }
    told(found);
    const taxed = (plain: number, mixed: number) => ({
      ...found,
      made: MADE,
      seeds: found.seeds.map((seed) => ({
        ...seed,
        sft: { ...seed.sft, perplexity: 2 },
        ppo: seed.ppo.map(({ ptxCoef, point }, i) => ({ ptxCoef, point: { ...point, perplexity: i ? mixed : plain } })),
      })),
    });
    expect([taxAppears(taxed(3, 2.5)), taxAppears(taxed(1.9, 1.8)), taxAppears(taxed(3, 3.1))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('labels needed: every number of rankings, as they come and by disagreement', async () => {
    const plan = labelsNeededPlan('nano', SEEDS, true);
    const found = await labelsNeeded(await models(), plan, silent, toyRank);
    for (const { points } of found.seeds)
      expect(points.map(({ rankings, choice }) => `${choice} ${rankings}`)).toEqual([
        'random 4',
        'random 6',
        'active 4',
        'active 6',
      ]);
    told(found);
    const winning = (wins: readonly number[]) => ({
      ...found,
      made: MADE,
      seeds: found.seeds.map((seed) => ({
        ...seed,
        points: seed.points.map((point, i) => ({ ...point, winRate: { ...point.winRate, value: wins[i % 2]! } })),
      })),
    });
    expect([labelsAppear(winning([0.5, 0.6])), labelsAppear(winning([0.6, 0.5]))]).toEqual([true, false]);
  });

  it('is RL needed: every way, judged on the same prompts', async () => {
    const plan = isRlNeededPlan('nano', SEEDS, 6, true);
    const found = await isRlNeeded(await models(), plan, silent, toyRank);
    for (const { outcomes } of found.seeds) expect(Object.keys(outcomes)).toEqual([...WAYS]);
    const markdown = told(found);
    for (const way of WAYS) expect(markdown).toContain(`| ${way} |`);
    const ppoAt = (value: number) => ({
      ...found,
      made: MADE,
      seeds: found.seeds.map(({ outcomes, ...seed }) => ({
        ...seed,
        outcomes: Object.fromEntries(
          WAYS.map((way) => [
            way,
            { ...outcomes[way], winRate: { ...outcomes[way].winRate, value: way === 'PPO' ? value : 0.6 } },
          ]),
        ) as typeof outcomes,
      })),
    });
    expect([rlAppears(ppoAt(0.7)), rlAppears(ppoAt(0.55))]).toEqual([true, false]);
  });
});
