import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import type { EvaluationReport, Fingerprints } from '../session/protocol';
import { Seeds } from './blindOrder';
import { Comparison } from './comparison.svelte';
import { REPORT, openSession } from './workerDouble';

const MEASURED: EvaluationReport = {
  ...{ prompts: 30, samplesPerPrompt: 2, temperature: 1, gold: { base: { mean: 0.5, se: 0.1 } }, perplexity: {} },
  ...{ proxy: {}, kl: null, winRateVsSft: null, winRateVsBase: null, winRateSftVsBase: null, rightByKind: {} },
  ...{ split: 'heldOut', labeler: 'balanced', measures: {}, seconds: 1 },
};
const REPLY = { text: 'Hi.', tokenIds: [1], finished: true, score: null, kl: null };

async function setUp() {
  const { session, worker } = await openSession({
    evaluate: () => MEASURED,
    'chat.reply': () => ({ replies: [REPLY], droppedTurns: 0, truncated: false }),
  });
  const remembered: { report: EvaluationReport; models: Fingerprints }[] = [];
  const comparison = new Comparison(
    session,
    new Seeds(1),
    () => DEFAULT_SETTINGS.chat,
    (report, models) => remembered.push({ report, models }),
  );
  const models = (fingerprints: Fingerprints): void =>
    worker.say({ type: 'session.changed', report: { ...REPORT, fingerprints } });
  return { comparison, remembered, models, worker };
}

describe('compare', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each<[string, Fingerprints]>([
    ['one changed', { base: 'b0', sft: 's1' }],
    ['one came', { base: 'b0', sft: 's0', policy: 'p0' }],
    ['the reward model, which scores them, came', { base: 'b0', sft: 's0', rewardModel: 'r0' }],
    ['one went', { base: 'b0' }],
  ])('says that a measurement is of earlier models when %s', async (_, later) => {
    const { comparison, models } = await setUp();
    await comparison.measure(1);
    expect(comparison.measuredEarlier).toBe(false);
    models(later);
    expect(comparison.measuredEarlier).toBe(true);
    await comparison.measure(1);
    expect(comparison.measuredEarlier).toBe(false);
  });

  it('knows it at a later visit too, and takes nothing for changed while the models are the same', async () => {
    const first = await setUp();
    await first.comparison.measure(1);
    const [stored] = first.remembered;
    const { comparison, models } = await setUp();
    expect(comparison.measuredEarlier).toBe(false); // nothing was measured
    comparison.restore(stored?.report, stored?.models);
    models({ ...REPORT.fingerprints });
    expect(comparison.measuredEarlier).toBe(false);
    models({ ...REPORT.fingerprints, base: 'b1' });
    expect(comparison.measuredEarlier).toBe(true);
  });

  it('takes no measurement back that lacks what is measured now', async () => {
    const { comparison } = await setUp();
    const { measures, ...earlier } = MEASURED;
    expect(measures).toEqual({});
    comparison.restore(earlier as EvaluationReport, { base: 'other' });
    expect([comparison.measured, comparison.measuredEarlier]).toEqual([null, false]);
    comparison.restore(undefined);
    expect(comparison.measured).toBeNull();
  });

  it('measures the likeliest replies, one each, unless samples are asked for; whoever is to judge', async () => {
    const { comparison, worker } = await setUp();
    await comparison.measure(1);
    comparison.temperature = 1;
    comparison.labeler = 'strict';
    comparison.heldOutPrompts = 300;
    await comparison.measure(2);
    expect(worker.requests('evaluate')).toMatchObject([
      { prompts: 100, temperature: 0, samplesPerPrompt: 1, labeler: 'balanced', models: ['base', 'sft'], seed: 1 },
      { prompts: 300, temperature: 1, samplesPerPrompt: 2, labeler: 'strict', models: ['base', 'sft'], seed: 2 },
    ]);
  });

  it('takes a model that comes with the page, and is fetched only now, for the one that it was', async () => {
    const { comparison, models, worker } = await setUp();
    const { sft } = REPORT.fingerprints;
    worker.say({
      type: 'session.changed',
      report: { ...REPORT, unfetched: ['base'], fingerprints: { sft: sft as string } },
    });
    await comparison.measure(1);
    models({ ...REPORT.fingerprints });
    expect(comparison.measuredEarlier).toBe(false);
    comparison.measuredModels = { ...REPORT.fingerprints };
    worker.say({
      type: 'session.changed',
      report: { ...REPORT, unfetched: ['base'], fingerprints: { sft: sft as string } },
    });
    expect(comparison.measuredEarlier).toBe(false);
  });

  it('a measurement during which a model changed is of the earlier one', async () => {
    const { comparison, models, worker } = await setUp();
    worker.answers.evaluate = () => {
      models({ base: 'b0', sft: 's1' });
      return MEASURED;
    };
    await comparison.measure(1);
    expect(comparison.measuredEarlier).toBe(true);
  });

  it('says that replies are of earlier models, and asks for them as they come, repetitions included', async () => {
    const { comparison, models, worker } = await setUp();
    comparison.prompt = 'Hi';
    await comparison.ask();
    expect(comparison.askedEarlier).toBe(false);
    models({ base: 'b0', sft: 's1' });
    expect(comparison.askedEarlier).toBe(true);
    for (const request of worker.requests('chat.reply')) expect(request.distinct ?? false).toBe(false);
  });
});
