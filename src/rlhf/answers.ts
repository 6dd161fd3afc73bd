/** What a model answers to prompts of the world, and what the world's own truth says of each answer. */
import type { Scoring } from '../model/decoder';
import type { Gpt } from '../model/gpt';
import type { Message, ModelRole } from '../session/protocol';
import { decodeReply, type TemplateName } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import { goldScore, type GoldParts, type GoldWeights } from '../text/world/gold';
import type { WorldPrompt } from '../text/world/prompts';
import type { World } from '../text/world/world';
import { bestOfN } from './bestOfNPolicy';
import { sampleResponses } from './rollout';
import type { Scorer } from './scorer';
import { promptTokens } from './simulatedRankings';

/** Who answers, and how it is spoken to. */
export interface Speaker {
  gpt: Gpt;
  /** The base model is asked in the words of its threads. */
  role: ModelRole;
  tokenizer: Tokenizer;
  /** Its own logits unless given; without `choose`. */
  scoring?: Scoring;
  /** Best of n: of so many replies it gives the one that the scorer likes best. */
  choose?: { n: number; scorer: Scorer };
}

export interface AnswerRequest {
  /** Replies to each prompt. */
  samplesPerPrompt: number;
  /** 0: the likeliest token each time. */
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** What the labeler weighs; the balanced one's unless told otherwise. */
  weights?: GoldWeights;
  /**
   * Few-shot: turns of the thread that are shown before a prompt. The reply then ends with its line, for a base model
   * goes on with the next question.
   */
  shown?: (prompt: WorldPrompt) => readonly Message[];
  /** How the model is spoken to; as its role asks for, unless told otherwise. */
  template?: TemplateName;
  signal?: AbortSignal;
}

export interface Answer {
  prompt: WorldPrompt;
  /** Tokens, up to and including the end token where there is one. */
  response: number[];
  text: string;
  finished: boolean;
  /** 0 to 1. */
  gold: number;
  parts: GoldParts;
}

/** As many fewer as each is answered more often. */
const PROMPTS_AT_ONCE = 32;

/**
 * Yields the answers to some prompts at a time: `samplesPerPrompt` for each, in the prompts' order.
 *
 * @throws CancelledError
 */
export async function* answers(
  { gpt, role, tokenizer, scoring, choose }: Speaker,
  world: World,
  prompts: readonly WorldPrompt[],
  { samplesPerPrompt, temperature, maxNewTokens, seed, weights, shown, template, signal }: AnswerRequest,
): AsyncGenerator<Answer[]> {
  const tokens = { stop: tokenizer.specials.end, pad: tokenizer.specials.pad };
  const atOnce = Math.max(1, Math.floor(PROMPTS_AT_ONCE / (choose?.n ?? 1)));
  for (let first = 0; first < prompts.length; first += atOnce) {
    const asked = repeated(prompts.slice(first, first + atOnce), samplesPerPrompt);
    const talks = shown ? asked.map((prompt) => ({ messages: [...shown(prompt), ...prompt.messages] })) : asked;
    const rows = promptRows(talks, role, tokenizer, gpt.shape.context - maxNewTokens, template);
    const sampling = { temperature, maxNewTokens, seed: (seed + first) >>> 0, ...(signal && { signal }) };
    const { responses, finished } = choose
      ? await bestOfN(gpt, rows, tokens, choose.scorer, { ...sampling, n: choose.n })
      : await sampleResponses(gpt, rows, tokens, { ...sampling, ...(scoring && { scoring }) });
    yield asked.map((prompt, i): Answer => {
      const response = responses[i] as number[];
      const whole = decodeReply(tokenizer, response);
      const line = shown ? whole.indexOf('\n') : -1;
      const text = line < 0 ? whole : whole.slice(0, line);
      const ended = line >= 0 || (finished[i] as boolean);
      const { score, parts } = goldScore(world, prompt, text, ended, weights);
      return { prompt, response, text, finished: ended, gold: score, parts };
    });
  }
}

/** Each prompt in tokens, cut to what fits. */
export function promptRows(
  prompts: readonly Pick<WorldPrompt, 'messages'>[],
  role: ModelRole,
  tokenizer: Tokenizer,
  maxTokens: number,
  template?: TemplateName,
): number[][] {
  return prompts.map(({ messages }) => promptTokens(tokenizer, messages, role, maxTokens, template));
}

const repeated = <T>(items: readonly T[], times: number): T[] =>
  items.flatMap((item) => Array.from({ length: times }, () => item));
