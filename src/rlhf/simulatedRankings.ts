/**
 * Rankings without a person: the model answers prompts of the world K times, and the simulated labeler ranks the
 * replies by their gold score.
 */
import type { Gpt } from '../model/gpt';
import { decodeReply, encodeReply, renderPrompt, type TemplateName } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import { GOLD_WEIGHTS, goldScore, type GoldWeights } from '../text/world/gold';
import { gapsByScore, rankReplies } from '../text/world/labeler';
import { breaksRule } from '../text/world/rules';
import { samplePrompts, type Split } from '../text/world/prompts';
import type { World } from '../text/world/world';
import type { Message, ModelRole, Ranking } from '../session/protocol';
import type { TokenisedRanking } from './rewardModel';
import { sampleResponses } from './rollout';

export interface SimulatedRankingRequest {
  count: number;
  /** K */
  k: number;
  split: Split;
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** What the labeler weighs; the balanced one's unless told otherwise. */
  weights?: GoldWeights;
  /** Another for every prompt, by its place: AI feedback by principles. */
  weightsAt?: (place: number) => GoldWeights;
  signal?: AbortSignal;
}

/** Prompts answered at once. */
const PROMPTS_AT_ONCE = 20;

/** How a model is spoken to: the base model is asked in the words of its threads. */
const templateOf = (role: ModelRole): TemplateName => (role === 'base' ? 'completion' : 'chat');

/** The prompt of a message to a model, in tokens. */
export function promptTokens(
  tokenizer: Tokenizer,
  conversation: readonly Message[],
  role: ModelRole,
  maxTokens: number,
  template = templateOf(role),
): number[] {
  return renderPrompt(tokenizer, conversation, { template, maxTokens }).ids;
}

/** Most tokens of a reply: the prompt keeps half of the context, however long a reply is asked for. */
export function longestReply(context: number, maxNewTokens: number): number {
  return Math.min(maxNewTokens, Math.floor(context / 2));
}

/** Yields rankings as they come, some at a time. */
export async function* simulateRankings(
  gpt: Gpt,
  role: ModelRole,
  tokenizer: Tokenizer,
  world: World,
  {
    count,
    k,
    split,
    temperature,
    maxNewTokens,
    seed,
    weights: own = GOLD_WEIGHTS,
    weightsAt,
    signal,
  }: SimulatedRankingRequest,
): AsyncGenerator<Ranking[]> {
  const prompts = samplePrompts(world, split, count, seed);
  const tokens = { stop: tokenizer.specials.end, pad: tokenizer.specials.pad };
  for (let first = 0; first < prompts.length; first += PROMPTS_AT_ONCE) {
    const chosen = prompts.slice(first, first + PROMPTS_AT_ONCE);
    const rows = chosen.flatMap((prompt) => {
      const ids = promptTokens(tokenizer, prompt.messages, role, gpt.shape.context - maxNewTokens);
      return Array.from({ length: k }, () => ids);
    });
    const sampling = { temperature, maxNewTokens, seed: (seed + first) >>> 0 };
    const { responses, finished } = await sampleResponses(
      gpt,
      rows,
      tokens,
      signal ? { ...sampling, signal } : sampling,
    );
    yield chosen.map((prompt, i): Ranking => {
      const weights = weightsAt?.(first + i) ?? own;
      const replies = Array.from({ length: k }, (_, j) => ({
        text: decodeReply(tokenizer, responses[i * k + j] as number[]),
        finished: finished[i * k + j] as boolean,
      }));
      const scores = replies.map(({ text, finished }) => goldScore(world, prompt, text, finished, weights));
      const gaps = gapsByScore(scores.map(({ score }) => score));
      return {
        id: `simulated-${split}-${seed}-${first + i}`,
        conversation: [...prompt.messages],
        replies: replies.map(({ text }) => text),
        ranks: rankReplies(world, prompt, replies, weights),
        labeler: 'simulated',
        violations: scores.map(breaksRule),
        ...(gaps && { gaps }),
        judged: { weights, scores },
      };
    });
  }
}

/** A ranking in tokens, cut to the context; replies are rendered as the model would have sampled them. */
export function tokeniseRanking(
  tokenizer: Tokenizer,
  { conversation, replies, ranks, violations, thumbs, gaps }: Ranking,
  context: number,
): TokenisedRanking {
  // Prompt and reply may take half of the context each, whatever the other takes: rankings of any lengths then fit into
  // one batch, which is as wide as its longest prompt and its longest reply together.
  const half = Math.floor(context / 2);
  const tokenised = replies.map((reply) => encodeReply(tokenizer, reply).slice(0, half));
  return {
    prompt: promptTokens(tokenizer, conversation, 'sft', half),
    replies: tokenised,
    ranks,
    ...(violations && { violations }),
    ...(thumbs && { thumbs }),
    ...(gaps && { gaps }),
  };
}
