import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import { CancelledError } from '../errors';
import type { EvaluationReport, Fingerprints, Results, SessionReport } from '../session/protocol';
import { Seeds } from './blindOrder';
import { Comparison } from './comparison.svelte';
import { REPORT, openSession } from './workerDouble';

const MEASURED: EvaluationReport = {
  ...{ prompts: 30, samplesPerPrompt: 2, temperature: 1, gold: { base: { mean: 0.5, se: 0.1 } }, perplexity: {} },
  ...{ proxy: {}, kl: null, winRateVsSft: null, winRateVsBase: null, winRateSftVsBase: null, rightByKind: {} },
  ...{ split: 'heldOut', labeler: 'balanced', measures: {}, seconds: 1 },
};
const REPLY = { text: 'Hi.', tokenIds: [1], finished: true, score: null, kl: null };
/** The models that came with the page, and a reward model. */
const WITH_REWARD_MODEL: SessionReport = {
  ...REPORT,
  stages: { ...REPORT.stages, rewardModel: 'trained' },
  fingerprints: { ...REPORT.fingerprints, rewardModel: 'r0' },
};
const best = (n: number): Results['chat.bestOf'] => ({
  replies: Array.from({ length: n }, (_, i) => ({ ...REPLY, text: `the ${i + 1}.`, score: -i })),
  klBound: Math.log(n) - (n - 1) / n,
});

async function setUp() {
  const { session, worker } = await openSession({
    evaluate: () => MEASURED,
    'chat.reply': () => ({ replies: [REPLY], droppedTurns: 0, truncated: false }),
    'chat.bestOf': ({ n }) => best(n),
  });
  const chosen: number[] = [];
  const remembered: { report: EvaluationReport; models: Fingerprints }[] = [];
  const comparison = new Comparison(
    session,
    new Seeds(1),
    () => DEFAULT_SETTINGS.chat,
    (report, models) => remembered.push({ report, models }),
    (n) => chosen.push(n),
  );
  const models = (fingerprints: Fingerprints): void =>
    worker.say({ type: 'session.changed', report: { ...REPORT, fingerprints } });
  const rewardModel = (): void => worker.say({ type: 'session.changed', report: WITH_REWARD_MODEL });
  return { comparison, remembered, chosen, models, rewardModel, worker };
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

  it('has no best of n before there is a reward model, and then says that what stands there is of earlier models', async () => {
    const { comparison, rewardModel, worker } = await setUp();
    comparison.prompt = 'Hi';
    comparison.measuresBestOf = true;
    await comparison.ask();
    await comparison.measure(1);
    expect(comparison.columns.map(({ contestant }) => contestant)).toEqual(['base', 'sft']);
    rewardModel();
    expect(comparison.askedEarlier).toBe(true);
    await comparison.ask();
    await comparison.measure(1);
    expect(comparison.columns.map(({ contestant }) => contestant)).toEqual(['base', 'sft', 'bestOfN']);
    expect(worker.requests('evaluate').map(({ bestOf }) => bestOf)).toEqual([undefined, 4]);
    comparison.measuresBestOf = false;
    await comparison.measure(1);
    expect(worker.requests('evaluate').at(-1)).not.toHaveProperty('bestOf');
  });

  it('lets best of n choose among the replies that SFT gives, with the same seed', async () => {
    const { comparison, rewardModel, worker } = await setUp();
    rewardModel();
    comparison.prompt = 'Hi';
    await comparison.ask();
    const [request] = worker.requests('chat.bestOf');
    const sft = worker.requests('chat.reply').find(({ from }) => from === 'sft');
    const { seed, sampling, conversation } = sft ?? {};
    expect(request).toMatchObject({ n: 4, seed, sampling, conversation });
    const column = comparison.columns.at(-1);
    expect(column).toMatchObject({ state: 'done', texts: ['the 1.', 'the 2.', 'the 3.', 'the 4.'] });
    expect(column?.klBound).toBeCloseTo(0.6363, 4);
  });

  it('asks best of n alone when another n is chosen, all where the models have changed, and remembers n', async () => {
    const { comparison, chosen, rewardModel, worker } = await setUp();
    await comparison.chooseBestOf(2); // before anything was asked
    expect([worker.requests('chat.bestOf'), chosen]).toEqual([[], [2]]);
    rewardModel();
    comparison.prompt = 'Hi';
    await comparison.ask();
    comparison.prompt = 'Something else, not asked yet';
    await comparison.chooseBestOf(8);
    expect(worker.requests('chat.reply').length).toBe(2);
    const [first, second] = worker.requests('chat.bestOf');
    expect([first?.n, second?.n]).toEqual([2, 8]);
    expect(second).toMatchObject({ seed: first?.seed, conversation: [{ role: 'user', text: 'Hi' }] });
    expect(comparison.columns.at(-1)?.replies.length).toBe(8);
    worker.say({
      type: 'session.changed',
      report: { ...WITH_REWARD_MODEL, fingerprints: { ...WITH_REWARD_MODEL.fingerprints, rewardModel: 'r1' } },
    });
    expect(comparison.askedEarlier).toBe(true);
    await comparison.chooseBestOf(16);
    expect(worker.requests('chat.reply').length).toBe(4);
    expect(comparison.askedEarlier).toBe(false);
    expect(chosen).toEqual([2, 8, 16]);
  });

  it('takes an n of an earlier visit up, and no other than can be chosen', async () => {
    const { comparison } = await setUp();
    for (const n of [undefined, 3, NaN, '8' as unknown as number]) {
      comparison.restoreBestOf(n);
      expect(comparison.bestOf).toBe(4);
    }
    comparison.restoreBestOf(16);
    expect(comparison.bestOf).toBe(16);
  });

  it('shows what best of n samples as it comes, and can stop it', async () => {
    const { comparison, rewardModel, worker } = await setUp();
    rewardModel();
    let stop: () => void = () => undefined;
    worker.answers['chat.bestOf'] = () => new Promise((_, reject) => (stop = () => reject(new CancelledError('It'))));
    comparison.prompt = 'Hi';
    const asking = comparison.ask();
    await vi.waitFor(() => expect(worker.requests('chat.bestOf').length).toBe(1));
    const { jobId } = worker.requests('chat.bestOf')[0] ?? { jobId: '' };
    worker.say({ type: 'reply.partial', jobId, texts: ['a', 'b', 'c', 'd'] });
    expect(comparison.columns.at(-1)).toMatchObject({ state: 'writing', texts: ['a', 'b', 'c', 'd'] });
    comparison.stop();
    await vi.waitFor(() => expect(worker.requests('job.cancel')).toEqual([{ jobId }]));
    stop();
    await asking;
    expect(comparison.columns.at(-1)).toMatchObject({ state: 'stopped', replies: [], texts: ['a', 'b', 'c', 'd'] });
    expect([comparison.busy, comparison.error]).toEqual([false, null]);
  });
});
