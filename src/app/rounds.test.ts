import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MethodName } from '../methods';
import type { Ranking } from '../session/protocol';
import { Store } from '../store/store';
import { Seeds } from './blindOrder';
import { Labeler } from './labeler.svelte';
import { Labels } from './labels.svelte';
import { Notices } from './notices.svelte';
import { Pipeline } from './pipeline.svelte';
import { RewardModelCheck } from './rewardModelCheck.svelte';
import { RoundsOfTraining } from './rounds.svelte';
import { SettingsForm } from './settingsForm.svelte';
import { Training } from './training.svelte';
import { openSession, REPORT, type WorkerDouble } from './workerDouble';

const BALANCED = { right: 0.6, polite: 0.2 };
const FACTUAL = { right: 0.9, polite: 0.1 };
const OWN_REWARD = { code: 'function reward() { return 1; }', weight: 1, modelWeight: 1 };
const RANKING: Ranking = {
  id: 'ranking',
  conversation: [{ role: 'user', text: 'Where is the boat?' }],
  replies: ['Here.', 'There.'],
  ranks: [1, 2],
  labeler: 'simulated',
};
const STANDING = { rating: 0.3, low: 0.1, high: 0.5, overFirst: { value: 0.6, low: 0.5, high: 0.7 } };

describe('going round', () => {
  let store: Store;
  let worker: WorkerDouble;
  let labeler: Labeler;
  let settings: SettingsForm;
  let rounds: RoundsOfTraining;
  let check: RewardModelCheck;
  let ownReward: typeof OWN_REWARD | null;
  beforeEach(async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    store = await Store.open();
    ownReward = null;
    const labelers = [
      { name: 'balanced', weights: BALANCED },
      { name: 'factual', weights: FACTUAL },
    ];
    const opened = await openSession({
      catalogue: () => ({ models: [], principles: [], labelers }),
      'rank.simulate': () => ({ rankings: [RANKING] }),
      'model.export': () => ({ bytes: new ArrayBuffer(8), fileName: '' }),
      'policies.rate': ({ policies }) => ({
        prompts: 1,
        standings: ['SFT', ...policies.map(({ name }) => name)].map((name) => ({ name, ...STANDING })),
      }),
      'rewardModel.check': ({ from }) => ({ from, rankings: 1, pairs: 1, accuracy: 1 }),
      // A run of one step, over at once.
      'train.start': ({ runId, stage }) => {
        setTimeout(() => {
          const progress = { step: 1, steps: 1, phase: '', secondsPerStep: 1, secondsLeft: 0 };
          worker.say({ type: 'run.progress', runId, stage, progress });
          worker.say({ type: 'run.state', runId, stage, state: 'done', error: null });
          const policy = stage === 'ppo' ? ({ policy: 'trained' } as const) : {};
          worker.say({ type: 'session.changed', report: { ...REPORT, stages: { ...REPORT.stages, ...policy } } });
        });
        return { runId };
      },
    });
    ({ worker } = opened);
    const { session } = opened;
    await vi.waitUntil(() => session.catalogue !== null);
    const [notices, seeds] = [new Notices(), new Seeds(1)];
    settings = new SettingsForm(() => undefined);
    labeler = new Labeler(session, () => undefined);
    const labels = new Labels(store, notices);
    const training = new Training(session, notices);
    const pipeline = new Pipeline(session, training, labels, settings, notices, seeds, () => ownReward);
    const isTrial = (): boolean => false;
    rounds = new RoundsOfTraining(session, training, pipeline, labels, labeler, store, notices, seeds, isTrial);
    check = new RewardModelCheck(session, labeler, seeds);
    await rounds.restore();
  });
  afterEach(async () => {
    await store.close();
    vi.unstubAllGlobals();
  });

  async function goRound(method: MethodName): Promise<void> {
    settings.choose(method);
    await rounds.start({ rounds: 1, rankings: 1 });
    expect([rounds.state, rounds.error]).toEqual(['done', null]);
    await vi.waitUntil(() => rounds.list.length > 0);
  }

  it('is by PPO and the reward model alone, unless something else was chosen', async () => {
    await goRound('PPO');
    const [first, second, ...others] = worker.requests('train.start');
    expect([first?.stage, others]).toEqual(['rewardModel', []]);
    expect(second).toMatchObject({
      stage: 'ppo',
      method: null,
      ownReward: null,
      extraPrompts: [],
      continuePolicy: true,
    });
    expect(rounds.list.map(({ method }) => method)).toEqual(['PPO']);
  });

  it('is by the method that was chosen, paid by the own reward as well where that is switched on', async () => {
    ownReward = OWN_REWARD;
    await goRound('RLOO');
    const method = { family: 'policyGradient', name: 'RLOO' };
    expect(worker.requests('train.start').at(-1)).toMatchObject({ stage: 'ppo', method, ownReward: OWN_REWARD });
    expect(rounds.list.map(({ method: name }) => name)).toEqual(['RLOO']);
  });

  it('trains no reward model for a method that learns from the rankings themselves, which are those collected', async () => {
    await goRound('DPO');
    expect(worker.requests('train.start').map(({ stage }) => stage)).toEqual(['ppo']);
    const method = { family: 'preferences', name: 'DPO', rankings: [RANKING] };
    expect(worker.requests('train.start')[0]).toMatchObject({ method });
  });

  it('ranks, rates and checks by the taste of the labeler that was chosen, and says whose it was', async () => {
    labeler.choose('factual');
    await goRound('PPO');
    await rounds.rate();
    await check.start();
    labeler.choose('balanced');
    for (const name of ['rank.simulate', 'policies.rate', 'rewardModel.check'] as const)
      expect(worker.requests(name)[0], name).toMatchObject({ weights: FACTUAL });
    expect(rounds.list).toMatchObject([{ judge: 'factual', standing: STANDING }]);
    expect(check.judge).toBe('factual');
    expect((await store.rounds.list('nano')).map(({ judge }) => judge)).toEqual(['factual']);
  });
});
