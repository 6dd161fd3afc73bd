/**
 * Work that ends with an answer and can be cancelled: replies, rankings by the simulated labeler, evaluations.
 */
import { InputError } from '../errors';
import { generate } from '../model/generate';
import type { Gpt } from '../model/gpt';
import { answers } from '../rlhf/answers';
import { bestFirst, bestOfNKlBound } from '../rlhf/bestOfN';
import { evaluate } from '../rlhf/evaluation';
import { likeliestNextTokens } from '../rlhf/nextTokens';
import { rankingAccuracyTogether, scoreRepliesTogether } from '../rlhf/rewardEnsemble';
import { scoreReplies, withPairs } from '../rlhf/rewardModel';
import { creditedWords, tokenCredits } from '../rlhf/tokenCredit';
import { driftOf } from '../rlhf/rollout';
import { longestReply, promptTokens, simulateRankings, tokeniseRanking } from '../rlhf/simulatedRankings';
import { decodeReply, renderPrompt } from '../text/chatTemplate';
import { samplePrompts, type WorldPrompt } from '../text/world/prompts';
import type { World } from '../text/world/world';
import { GOLD_WEIGHTS } from '../text/world/gold';
import { critiqueAndRevise, drawPrinciple, weightsOfPrinciple } from '../text/world/principles';
import { nextMacrotask } from '../gpu/macrotask';
import { MAX_RESPONSE_TOKENS, REPLIES_PER_PROMPT } from '../config';
import { goldWeightsOf, principlesOf } from './catalogue';
import { MOST_TRIES, sampleDistinct, type Sampled } from './distinctReplies';
import { rateEarlier, withEarlier } from './earlierPolicies';
import type {
  Commands,
  EvaluationReport,
  ModelRole,
  Ranking,
  Reply,
  Results,
  RevisedReply,
  SessionEvent,
} from './protocol';
import type { Workshop } from './workshop';

/** Prompts that the page may offer. */
const OFFERED_PROMPTS = 200;
/** Words of a question that is neither a scrap ("Owner of Rex?") nor wordy. */
const [FEWEST_WORDS, MOST_WORDS] = [4, 8];

export class Jobs {
  readonly #emit: (event: SessionEvent) => void;
  readonly #workshop: Workshop;
  readonly #running = new Map<string, AbortController>();

  constructor(emit: (event: SessionEvent) => void, workshop: Workshop) {
    this.#emit = emit;
    this.#workshop = workshop;
  }

  cancel(jobId: string): null {
    this.#running.get(jobId)?.abort();
    return null;
  }

  async reply({
    jobId,
    conversation,
    k,
    from,
    sampling,
    seed,
    distinct = false,
    against,
  }: Commands['chat.reply']): Promise<Results['chat.reply']> {
    if (conversation.at(-1)?.role !== 'user' || conversation.at(-1)?.text.trim() === '') {
      throw new InputError('Expected a message, got an empty one.', 'Write something, then send it.');
    }
    const gpt = this.#speaker(from);
    const { tokenizer, models } = this.#workshop;
    const { pad, end } = tokenizer.specials;
    return this.#job(jobId, async (signal) => {
      const template = from === 'base' ? 'completion' : 'chat';
      const maxNewTokens = longestReply(gpt.shape.context, sampling.maxNewTokens);
      const room = gpt.shape.context - maxNewTokens;
      const prompt = renderPrompt(tokenizer, conversation, { template, maxTokens: room });
      const options = { ...sampling, maxNewTokens, stopToken: end, padToken: pad, signal };
      const sampled: Sampled[] = [];
      const sample = async (speaker: Gpt, count: number): Promise<void> => {
        const before = [...sampled];
        for await (const some of sampleDistinct(
          (rows, roundSeed) => generate(speaker, copies(prompt.ids, rows), { ...options, seed: roundSeed }),
          (tokenIds) => decodeReply(tokenizer, tokenIds).trim(),
          count,
          seed,
          distinct ? MOST_TRIES : 0,
        )) {
          sampled.splice(0, Infinity, ...before, ...some);
          const texts = sampled.map(({ tokenIds }) => decodeReply(tokenizer, tokenIds, { partial: true }));
          this.#emit({
            type: 'reply.partial',
            jobId,
            texts: [...texts, ...new Array<string>(k - texts.length).fill('')],
          });
        }
      };
      const own = against ? Math.ceil(k / 2) : k;
      await sample(gpt, own);
      if (against) await withEarlier(this.#workshop, against.bytes, (earlier) => sample(earlier, k - own));
      const responses = sampled.map(({ tokenIds }) => tokenIds);
      const chatPrompt = promptTokens(tokenizer, conversation, 'sft', room);
      const scored =
        models.rewardModels.length > 0
          ? await scoreRepliesTogether(models.rewardModels, copies(chatPrompt, k), responses, pad)
          : null;
      const { ruleModel } = models;
      const logOdds = ruleModel ? await scoreReplies(ruleModel, copies(chatPrompt, k), responses, pad) : null;
      const reference = models.gpt('sft');
      const kl =
        from === 'policy' && reference ? await driftOf(gpt, reference, copies(prompt.ids, k), responses, pad, 1) : null;
      const replies = sampled.map(({ tokenIds, finished }, i): Reply => ({
        text: decodeReply(tokenizer, tokenIds),
        tokenIds,
        finished,
        score: scored?.scores[i] ?? null,
        ...(scored && models.rewardModels.length > 1 && { spread: scored.spread[i] as number }),
        // Of what another said, the ratio is no drift.
        kl: i < own ? (kl?.[i] ?? null) : null,
        ...(against && i >= own && { earlier: against.name }),
        ...(logOdds && { keepsRule: 1 / (1 + Math.exp(-(logOdds[i] as number))) }),
      }));
      return { replies, droppedTurns: prompt.droppedTurns, truncated: prompt.truncated };
    });
  }

  /** The SFT model replies `n` times, and the reward model chooses: its favourite comes first. */
  async bestOf({ n, ...asking }: Commands['chat.bestOf']): Promise<Results['chat.bestOf']> {
    if (this.#workshop.models.rewardModels.length === 0)
      throw new InputError('Expected a reward model to choose among replies, got none.', 'Train one first.');
    const { replies } = await this.reply({ ...asking, k: n, from: 'sft' });
    const order = bestFirst(replies.map(({ score }) => score as number));
    return { replies: order.map((place) => replies[place] as Reply), klBound: bestOfNKlBound(n) };
  }

  async inspect({ conversation, count }: Commands['chat.inspect']): Promise<Results['chat.inspect']> {
    const { models, tokenizer } = this.#workshop;
    return { tokens: await likeliestNextTokens(models.gpts(), tokenizer, conversation, count) };
  }

  async credit({ conversation, replies }: Commands['chat.credit']): Promise<Results['chat.credit']> {
    const { models, tokenizer } = this.#workshop;
    const { rewardModels, shape } = models;
    if (rewardModels.length === 0)
      throw new InputError('Expected a reward model to give credit, got none.', 'Train one first.');
    const longest = Math.max(1, ...replies.map(({ length }) => length));
    const prompt = promptTokens(tokenizer, conversation, 'sft', shape.context - longest);
    const credits = await tokenCredits(rewardModels, copies(prompt, replies.length), replies, tokenizer.specials.pad);
    return { replies: replies.map((tokens, i) => creditedWords(tokenizer, tokens, credits[i] as number[])) };
  }

  worldPrompt({ seed, opening = false, talks = false }: Commands['world.prompt']): Results['world.prompt'] {
    const offered = offeredOf(this.#workshop.world).filter((prompt) =>
      opening ? isOpening(prompt) : talks || prompt.messages.length === 1,
    );
    const messages = offered[Math.abs(seed) % offered.length]?.messages ?? [];
    return { history: messages.slice(0, -1), text: messages.at(-1)?.text ?? '' };
  }

  async simulate(request: Commands['rank.simulate']): Promise<Results['rank.simulate']> {
    const { jobId, count, from } = request;
    const weights = request.weights ? goldWeightsOf(request.weights) : GOLD_WEIGHTS;
    const principles = request.principles && principlesOf(request.principles);
    const gpt = this.#speaker(from);
    const { tokenizer, world } = this.#workshop;
    return this.#job(jobId, async (signal) => {
      const rankings: Ranking[] = [];
      const started = performance.now();
      for await (const some of simulateRankings(gpt, from, tokenizer, world, {
        ...request,
        weights,
        ...(principles && {
          weightsAt: (place) => weightsOfPrinciple(drawPrinciple(principles, request.seed, place)),
        }),
        maxNewTokens: MAX_RESPONSE_TOKENS,
        signal,
      })) {
        rankings.push(...some);
        this.#progress(jobId, rankings.length, count, 'A simulated labeler ranks replies', started);
      }
      return { rankings };
    });
  }

  /** Constitutional AI's first stage: critique and revision; those that keep their principle are left out. */
  async revise({
    jobId,
    count,
    from,
    principles,
    seed,
  }: Commands['feedback.revise']): Promise<Results['feedback.revise']> {
    const gpt = this.#speaker(from);
    const { tokenizer, world } = this.#workshop;
    const ids = principlesOf(principles);
    const prompts = samplePrompts(world, 'train', count, seed);
    return this.#job(jobId, async (signal) => {
      const started = performance.now();
      const revisions: RevisedReply[] = [];
      const request = { samplesPerPrompt: 1, temperature: 1, maxNewTokens: MAX_RESPONSE_TOKENS, seed, signal };
      let done = 0;
      for await (const some of answers({ gpt, role: from, tokenizer }, world, prompts, request)) {
        for (const { prompt, text, finished } of some) {
          const place = done++;
          const principle = drawPrinciple(ids, seed, place);
          const revision = critiqueAndRevise(world, prompt, text, finished, principle, seed + place);
          if (!revision) continue;
          revisions.push({
            demonstration: {
              id: `revised-${seed}-${place}`,
              conversation: [...prompt.messages],
              reply: revision.revised,
            },
            reply: text,
            principle: principle.text,
            critique: revision.critique,
          });
        }
        this.#progress(jobId, done, count, 'Principles revise replies', started);
      }
      return { revisions };
    });
  }

  async evaluate(request: Commands['evaluate']): Promise<EvaluationReport> {
    const { jobId } = request;
    const { models, tokenizer, world } = this.#workshop;
    const chosen = Object.fromEntries(
      Object.entries(models.gpts()).filter(([role]) => request.models.includes(role as ModelRole)),
    );
    return this.#job(jobId, async (signal) => {
      const started = performance.now();
      let report: EvaluationReport | null = null;
      for await (const progress of evaluate(
        { models: chosen, rewardModels: models.rewardModels, tokenizer, world },
        { ...request, maxNewTokens: MAX_RESPONSE_TOKENS, signal },
      )) {
        this.#progress(jobId, progress.done, progress.total, progress.what, started);
        report = progress.report ?? report;
        await nextMacrotask();
      }
      if (!report) throw new InputError('Expected a model to measure, got none.', 'Train one first.');
      return report;
    });
  }

  /** The reward model beside the simulated labeler, on held-out prompts. */
  async checkRewardModel({
    jobId,
    from,
    rankings: count,
    seed,
    weights,
  }: Commands['rewardModel.check']): Promise<Results['rewardModel.check']> {
    const { models, tokenizer } = this.#workshop;
    const { rewardModels } = models;
    if (rewardModels.length === 0)
      throw new InputError('Expected a reward model to check, got none.', 'Train one first.');
    const request = {
      count,
      k: REPLIES_PER_PROMPT,
      split: 'heldOut',
      temperature: 1,
      seed,
      ...(weights && { weights }),
    } as const;
    const { rankings } = await this.simulate({ ...request, jobId, from });
    const tokenised = rankings.map((ranking) => tokeniseRanking(tokenizer, ranking, models.shape.context));
    const { accuracy, pairs } = await rankingAccuracyTogether(
      rewardModels,
      withPairs(tokenised),
      tokenizer.specials.pad,
    );
    return { from, rankings: rankings.length, pairs, accuracy };
  }

  rate(request: Commands['policies.rate']): Promise<Results['policies.rate']> {
    return this.run(request.jobId, 'Every round answers held-out prompts', (signal, progress) =>
      rateEarlier(this.#workshop, request, signal, progress),
    );
  }

  /** Any other work that says how far it is and can be cancelled. */
  run<T>(
    jobId: string,
    what: string,
    work: (signal: AbortSignal, progress: (done: number, total: number) => void) => Promise<T>,
  ): Promise<T> {
    const started = performance.now();
    return this.#job(jobId, (signal) =>
      work(signal, (done, total) => this.#progress(jobId, done, total, what, started)),
    );
  }

  #speaker(role: ModelRole): Gpt {
    const gpt = this.#workshop.models.gpt(role);
    if (gpt) return gpt;
    const what = { base: 'a base model', sft: 'an SFT model', policy: 'an RLHF policy' }[role];
    throw new InputError(`Expected ${what} to answer, got none.`, 'Train it first, or choose another model.');
  }

  async #job<T>(jobId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#running.set(jobId, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#running.delete(jobId);
    }
  }

  #progress(jobId: string, done: number, total: number, what: string, started: number): void {
    const seconds = (performance.now() - started) / 1000;
    const secondsLeft = done > 0 ? (seconds / done) * (total - done) : 0;
    this.#emit({ type: 'job.progress', jobId, done, total, what, secondsLeft });
  }
}

const offeredOfWorld = new WeakMap<World, readonly WorldPrompt[]>();

/** The prompts that a world offers, drawn once: a person asks for one after another. */
function offeredOf(world: World): readonly WorldPrompt[] {
  const known = offeredOfWorld.get(world) ?? samplePrompts(world, 'train', OFFERED_PROMPTS, 1);
  offeredOfWorld.set(world, known);
  return known;
}

/**
 * What one begins with: a plain question about somebody of the core, or a hello. Who met a refusal, a sum or a typo first
 * would not know what to make of it.
 */
function isOpening({ kind, circle, messages, text, expect }: WorldPrompt): boolean {
  if (messages.length !== 1) return false;
  if (expect.task === 'greet') return expect.form === 'hello';
  const words = text.split(' ').length;
  const whole = /^\p{Lu}.*[?？]$/u.test(text) && words >= FEWEST_WORDS && words <= MOST_WORDS;
  return kind === 'fact' && circle === 'core' && whole;
}

const copies = (prompt: number[], count: number): number[][] => Array.from({ length: count }, () => prompt);
