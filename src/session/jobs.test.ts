import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError, InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { cloneGpt } from '../model/gpt';
import { rewardModelFrom } from '../model/rewardHead';
import { writeSafetensors } from '../model/safetensors';
import { TOY } from '../rlhf/toyWorld';
import { findPrompt } from '../text/world/labeler';
import { Jobs } from './jobs';
import type { Commands, SessionEvent } from './protocol';
import { TOY_SETTINGS, toyWorkshop } from './toyWorkshop';
import type { Workshop } from './workshop';

const REPLY: Commands['chat.reply'] = {
  jobId: 'job-1',
  conversation: [{ role: 'user', text: 'Where is Mira?' }],
  k: 3,
  from: 'sft',
  sampling: { ...TOY_SETTINGS.chat, maxNewTokens: 10 },
  seed: 3,
};

describe('the jobs of a session', () => {
  let workshop: Workshop;
  let events: SessionEvent[];
  let listener: (event: SessionEvent) => void;
  let jobs: Jobs;
  let before = 0;
  beforeEach(async () => {
    await startDevice('wasm');
    before = tf.memory().numTensors;
    workshop = await toyWorkshop();
    events = [];
    listener = () => undefined;
    jobs = new Jobs((event) => {
      events.push(event);
      listener(event);
    }, workshop);
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) workshop.models.drop(name);
    expect(tf.memory().numTensors).toBe(before);
  });

  async function withRewardModelAndPolicy(): Promise<void> {
    const sft = workshop.models.gpt('sft');
    if (!sft) throw new Error('The toy has an SFT model.');
    await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
    const policy = cloneGpt(sft);
    tf.tidy(() => policy.parameters.get('transformer.ln_f.weight')?.assign(tf.fill([TOY.width], 0.5)));
    await workshop.models.install('policy', policy);
  }

  it('reply K times, show the text as it comes, and say what is not known yet with null', async () => {
    const { replies, droppedTurns } = await jobs.reply(REPLY);
    expect(replies.length).toBe(3);
    expect(droppedTurns).toBe(0);
    for (const { score, kl, tokenIds, finished, text } of replies) {
      expect([score, kl]).toEqual([null, null]);
      expect(tokenIds.at(-1) === workshop.tokenizer.specials.end).toBe(finished);
      expect(text).not.toContain('<|end|>');
    }
    const partial = events.filter((event) => event.type === 'reply.partial');
    expect(partial.length).toBeGreaterThan(0);
    for (const { jobId, texts } of partial) expect([jobId, texts.length]).toEqual(['job-1', 3]);
    expect(await jobs.reply(REPLY)).toEqual({ replies, droppedTurns, truncated: false });
  });

  it('say what each word of a reply adds to its score, and refuse where nothing scores', async () => {
    const { replies } = await jobs.reply(REPLY);
    const ask = { conversation: REPLY.conversation, replies: replies.map(({ tokenIds }) => tokenIds) };
    await expect(jobs.credit(ask)).rejects.toThrow(InputError);
    await withRewardModelAndPolicy();
    const scored = await jobs.reply(REPLY);
    const credited = await jobs.credit(ask);
    credited.replies.forEach((pieces, i) => {
      expect(pieces.reduce((sum, { credit }) => sum + credit, 0)).toBeCloseTo(scored.replies[i]?.score ?? NaN, 4);
      expect(
        pieces
          .map(({ text }) => text)
          .join('')
          .replace(/^ /, ''),
      ).toBe(scored.replies[i]?.text);
    });
  });

  it('give the best of n replies of the SFT model by the reward model, the others behind it', async () => {
    const { conversation, sampling, seed, jobId } = REPLY;
    const ask = { jobId, conversation, sampling, seed, n: 8 };
    await expect(jobs.bestOf(ask)).rejects.toThrow('a reward model');
    await withRewardModelAndPolicy();
    const { replies: sampled } = await jobs.reply({ ...REPLY, k: 8 });
    const scores = sampled.map(({ score }) => score as number);
    expect(new Set(sampled.map(({ tokenIds }) => tokenIds.join())).size).toBe(8);
    expect(new Set(scores).size).toBe(8);
    events = [];
    const { replies, klBound } = await jobs.bestOf(ask);
    expect(replies[0]).toEqual(sampled[scores.indexOf(Math.max(...scores))]);
    expect(replies.map(({ score }) => score)).toEqual([...scores].sort((a, b) => b - a));
    expect(klBound).toBeCloseTo(Math.log(8) - 7 / 8, 12);
    const partial = events.filter((event) => event.type === 'reply.partial');
    expect(partial.length).toBeGreaterThan(0);
    for (const { texts } of partial) expect(texts.length).toBe(8);
    // With fewer to choose from, they are the first of these.
    const { replies: fewer } = await jobs.bestOf({ ...ask, n: 2 });
    expect(fewer[0]?.tokenIds).toEqual(sampled[(scores[0] as number) >= (scores[1] as number) ? 0 : 1]?.tokenIds);
  });

  it('give, of n replies with the same score, the one that was sampled first', async () => {
    await withRewardModelAndPolicy();
    const [judge] = workshop.models.rewardModels;
    // With nothing in its head, every reply scores alike.
    tf.tidy(() => {
      judge?.weight.assign(tf.zerosLike(judge.weight));
      judge?.likelihood.assign(tf.zerosLike(judge.likelihood));
    });
    const { conversation, sampling, seed, jobId } = REPLY;
    const { replies } = await jobs.bestOf({ jobId, conversation, sampling, seed, n: 4 });
    expect(new Set(replies.map(({ score }) => score)).size).toBe(1);
    const { replies: sampled } = await jobs.reply({ ...REPLY, k: 4 });
    expect(replies.map(({ text }) => text)).toEqual(sampled.map(({ text }) => text));
  });

  it('stop choosing the best of n when they are told to, and leave nothing behind', async () => {
    await withRewardModelAndPolicy();
    listener = (event) => {
      if (event.type === 'reply.partial') jobs.cancel('job-1');
    };
    const sampling = { ...REPLY.sampling, temperature: 5, maxNewTokens: 40 };
    const { conversation, seed } = REPLY;
    await expect(jobs.bestOf({ jobId: 'job-1', conversation, seed, sampling, n: 8 })).rejects.toThrow(CancelledError);
  });

  it('let a policy of an earlier round write half of the replies, say so of each, and leave nothing of it behind', async () => {
    await withRewardModelAndPolicy();
    const policy = workshop.models.weights('policy') ?? new Map();
    const bytes = writeSafetensors(policy, {}, 'F16');
    const { replies } = await jobs.reply({ ...REPLY, k: 3, from: 'sft', against: { name: 'round-1', bytes } });
    expect(replies.map(({ earlier }) => earlier)).toEqual([undefined, undefined, 'round-1']);
    const alone = await jobs.reply({ ...REPLY, k: 2, from: 'sft' });
    expect(replies.slice(0, 2).map(({ text }) => text)).toEqual(alone.replies.map(({ text }) => text));
    const drifts = await jobs.reply({ ...REPLY, k: 3, from: 'policy', against: { name: 'round-1', bytes } });
    expect(drifts.replies.map(({ kl }) => kl !== null)).toEqual([true, true, false]);
    const bad = { name: 'round-1', bytes: new ArrayBuffer(3) };
    await expect(jobs.reply({ ...REPLY, against: bad })).rejects.toThrow();
  });

  it('rate the SFT model and policies of earlier rounds among each other', async () => {
    await withRewardModelAndPolicy();
    const [sft, policy] = (['sft', 'policy'] as const).map((name) =>
      writeSafetensors(workshop.models.weights(name) ?? new Map(), {}, 'F32'),
    ) as [ArrayBuffer, ArrayBuffer];
    const policies = [
      { name: 'the same', bytes: sft },
      { name: 'another', bytes: policy },
    ];
    const { standings } = await jobs.rate({ jobId: 'job-2', policies, prompts: 12, seed: 1 });
    expect(standings.map(({ name }) => name)).toEqual(['SFT', 'the same', 'another']);
    expect(standings[1]?.rating).toBeCloseTo(standings[0]?.rating ?? NaN, 6);
    expect(events.some((event) => event.type === 'job.progress')).toBe(true);
  });

  it('score replies where there is a reward model, and measure how far the policy has drifted', async () => {
    await withRewardModelAndPolicy();
    const [sft, policy] = [await jobs.reply(REPLY), await jobs.reply({ ...REPLY, from: 'policy' })];
    for (const { score, kl } of sft.replies) expect([Number.isFinite(score), kl]).toEqual([true, null]);
    for (const { score, kl } of policy.replies) expect([score, kl].every(Number.isFinite)).toBe(true);
    expect(policy.replies.some(({ kl }) => Math.abs(kl ?? 0) > 0.01)).toBe(true);
  });

  it.each(['base', 'sft', 'policy'] as const)(
    'reply as %s however long the talk and the reply may be',
    async (from) => {
      await withRewardModelAndPolicy();
      const text = 'And then, you know, she went on to the next house. '.repeat(12);
      const conversation = [
        { role: 'user' as const, text },
        { role: 'assistant' as const, text: 'Yes.' },
        { role: 'user' as const, text: 'Where?' },
      ];
      for (const maxNewTokens of [1, 40, 200]) {
        for (const talk of [conversation, conversation.slice(0, 1), conversation.slice(2)]) {
          const { replies } = await jobs.reply({
            ...REPLY,
            from,
            k: 2,
            conversation: talk,
            sampling: { ...REPLY.sampling, maxNewTokens },
          });
          for (const { tokenIds } of replies) expect(tokenIds.length).toBeLessThanOrEqual(maxNewTokens);
        }
      }
    },
  );

  it('keep half of the context for the talk, however long a reply is asked for', async () => {
    const sampling = { ...REPLY.sampling, maxNewTokens: 200 };
    const { truncated } = await jobs.reply({ ...REPLY, sampling });
    expect(truncated).toBe(false);
  });

  it('refuse an empty message, and a model that is not there', async () => {
    const empty = [{ role: 'user' as const, text: '  ' }];
    await expect(jobs.reply({ ...REPLY, conversation: empty })).rejects.toThrow(InputError);
    await expect(jobs.reply({ ...REPLY, conversation: [] })).rejects.toThrow(InputError);
    const answered = [...REPLY.conversation, { role: 'assistant' as const, text: 'There.' }];
    await expect(jobs.reply({ ...REPLY, conversation: answered })).rejects.toThrow(InputError);
    await expect(jobs.reply({ ...REPLY, from: 'policy' })).rejects.toThrow('an RLHF policy');
  });

  it('are cancelled by their names, and cancelling what is over does nothing', async () => {
    listener = (event) => {
      if (event.type === 'reply.partial') jobs.cancel('job-1');
    };
    const sampling = { ...REPLY.sampling, temperature: 5, maxNewTokens: 40 };
    await expect(jobs.reply({ ...REPLY, k: 8, sampling })).rejects.toThrow(CancelledError);
    listener = () => undefined;
    expect(jobs.cancel('job-1')).toBeNull();
    expect((await jobs.reply(REPLY)).replies.length).toBe(3);
  });

  it('show what every model is thinking', async () => {
    await withRewardModelAndPolicy();
    const { tokens } = await jobs.inspect({ conversation: REPLY.conversation, count: 5 });
    expect(tokens.length).toBe(5);
    for (const { probability } of tokens) expect(Object.keys(probability).sort()).toEqual(['base', 'policy', 'sft']);
  });

  it('offer prompts of the training side, the same for the same seed, for any seed', () => {
    for (const seed of [0, 1, -7, 1e9]) {
      const { text } = jobs.worldPrompt({ seed });
      expect(findPrompt(workshop.world, text)).toBeDefined();
      expect(jobs.worldPrompt({ seed }).text).toBe(text);
    }
  });

  it('offer, to begin with, a fact or a greeting and nothing improper', () => {
    const kinds = (opening: boolean): Set<string | undefined> =>
      new Set(
        Array.from({ length: 300 }, (_, seed) => jobs.worldPrompt({ seed: seed * 7919, opening }).text).map(
          (text) => findPrompt(workshop.world, text)?.kind,
        ),
      );
    expect([...kinds(true)].sort()).toEqual(['fact', 'greeting']);
    expect(kinds(false).has('improper')).toBe(true);
  });

  it('sample a reply again that says the same as another, the same way for the same seed, where they are asked to', async () => {
    // So few words are likely that replies of one token often meet.
    const sampling = { ...REPLY.sampling, temperature: 1, topK: 6, topP: 1, maxNewTokens: 1 };
    const textsOf = async (request: Partial<Commands['chat.reply']>): Promise<string[]> =>
      (await jobs.reply({ ...REPLY, k: 4, sampling, ...request })).replies.map(({ text }) => text);
    let met = 0;
    for (let seed = 0; seed < 8; seed++) {
      const [plain, distinct] = [await textsOf({ seed }), await textsOf({ seed, distinct: true })];
      if (new Set(plain).size < 4) met++;
      expect(new Set(distinct).size).toBeGreaterThanOrEqual(new Set(plain).size);
      // The first that says something stays; only repetitions are sampled again.
      plain.forEach((text, i) => plain.indexOf(text) === i && expect(distinct[i]).toBe(text));
      expect(await textsOf({ seed, distinct: true })).toEqual(distinct);
    }
    expect(met).toBeGreaterThan(0);
    events = [];
    await textsOf({ seed: 1, distinct: true });
    for (const event of events) if (event.type === 'reply.partial') expect(event.texts.length).toBe(4);
  });

  it('let principles rank, one for each prompt and nothing beside it, and refuse a list without any', async () => {
    const request = { jobId: 'j', count: 25, k: 2, split: 'train', from: 'sft', temperature: 1, seed: 4 } as const;
    const { rankings } = await jobs.simulate({ ...request, principles: ['polite', 'brief'] });
    const weighed = rankings.map(({ judged }) =>
      Object.entries(judged?.weights ?? {}).flatMap(([part, weight]) => (weight > 0 ? [part] : [])),
    );
    for (const own of weighed) expect(own).toHaveLength(1);
    expect(new Set(weighed.flat())).toEqual(new Set(['polite', 'brief']));
    await expect(jobs.simulate({ ...request, principles: [] })).rejects.toThrow(InputError);
    await expect(jobs.simulate({ ...request, principles: ['wise'] })).rejects.toThrow(/got wise/);
  });

  it('revise replies that go against a principle, each with what was wrong', async () => {
    const request = { jobId: 'j', count: 20, from: 'sft', principles: ['right', 'polite'], seed: 2 } as const;
    const { revisions } = await jobs.revise({ ...request, principles: [...request.principles] });
    // What a model says that nobody trained goes against every principle.
    expect(revisions.length).toBeGreaterThan(15);
    for (const { demonstration, reply, critique, principle } of revisions) {
      expect(demonstration.reply).not.toBe(reply);
      expect(demonstration.conversation.at(-1)?.role).toBe('user');
      expect([critique, principle].every((text) => text.length > 10)).toBe(true);
    }
    expect(new Set(revisions.map(({ demonstration }) => demonstration.id)).size).toBe(revisions.length);
  });

  it('check the reward model on replies of a moment ago', async () => {
    const request = { jobId: 'j', from: 'sft', rankings: 20, seed: 3 } as const;
    await expect(jobs.checkRewardModel(request)).rejects.toThrow(InputError);
    await withRewardModelAndPolicy();
    const report = await jobs.checkRewardModel(request);
    expect(report).toMatchObject({ from: 'sft', rankings: 20 });
    if (report.pairs > 0) expect(report.accuracy).not.toBeNull();
    expect(await jobs.checkRewardModel(request)).toEqual(report);
    // The labeler that it is held against is the one that is asked for.
    await expect(jobs.checkRewardModel({ ...request, weights: { brief: 1 } })).rejects.toThrow(InputError);
  });

  it('let the simulated labeler rank, and tell how far it is', async () => {
    const { rankings } = await jobs.simulate({
      jobId: 'j',
      count: 22,
      k: 2,
      split: 'train',
      from: 'sft',
      temperature: 1,
      seed: 1,
    });
    expect(rankings.length).toBe(22);
    const progress = events.flatMap((event) => (event.type === 'job.progress' ? [`${event.done}/${event.total}`] : []));
    expect(progress).toEqual(['20/22', '22/22']);
  });

  it('evaluate the models asked for and no others', async () => {
    const request = { jobId: 'j', prompts: 4, samplesPerPrompt: 1, temperature: 1, seed: 1 };
    const report = await jobs.evaluate({ ...request, models: ['sft', 'policy'] });
    expect(Object.keys(report.gold)).toEqual(['sft']);
    expect(events.some(({ type }) => type === 'job.progress')).toBe(true);
  });

  it('evaluate best of n with the models when it is asked for, and stop it when they are told to', async () => {
    const request = { jobId: 'j', prompts: 4, samplesPerPrompt: 1, temperature: 0, seed: 1, bestOf: 4 };
    await expect(jobs.evaluate({ ...request, models: ['sft'] })).rejects.toThrow(InputError);
    await withRewardModelAndPolicy();
    await expect(jobs.evaluate({ ...request, models: ['base'] })).rejects.toThrow(InputError);
    const report = await jobs.evaluate({ ...request, models: ['sft'] });
    expect(Object.keys(report.gold)).toEqual(['sft', 'bestOfN']);
    expect(report.bestOfN?.n).toBe(4);
    listener = (event) => {
      if (event.type === 'job.progress' && event.what.startsWith('Best of 4')) jobs.cancel('j');
    };
    await expect(jobs.evaluate({ ...request, prompts: 40, models: ['sft'] })).rejects.toThrow(CancelledError);
  });
});
