/** What a model that is being pretrained writes: from noise to words to sentences, to be watched. */
import { generateAll } from '../../model/generate';
import type { Gpt } from '../../model/gpt';
import { promptTokens } from '../../rlhf/simulatedRankings';
import { samplePrompts } from '../../text/world/prompts';
import type { WrittenSample } from '../protocol';
import type { Workshop } from '../workshop';

/** Often at the beginning, where every few steps change what it writes. */
const WRITES: readonly { until: number; every: number }[] = [
  { until: 10, every: 5 },
  { until: 100, every: 25 },
  { until: 1000, every: 100 },
  { until: Infinity, every: 250 },
];
/** Prompts among which there is a question for a fact. */
const QUESTIONS = 40;
/** In tokens. */
const LONGEST = 40;
const TEMPERATURE = 0.8;

/** Whether it is shown what a model writes that has this many steps behind it. */
export function writesAt(step: number): boolean {
  const every = WRITES.find(({ until }) => step <= until)?.every ?? 1;
  return step % every === 0;
}

/**
 * Two texts: one that the model begins itself, and its answer to a question of the town as a forum would have it.
 * @param seed of the run: the question is the same for all of it
 * @param step another text of its own each time
 */
export async function write(
  gpt: Gpt,
  { tokenizer, world }: Workshop,
  seed: number,
  step: number,
): Promise<Pick<WrittenSample, 'beginning' | 'text'>[]> {
  const { end, pad } = tokenizer.specials;
  const maxNewTokens = Math.min(LONGEST, Math.floor(gpt.shape.context / 2));
  const question = samplePrompts(world, 'train', QUESTIONS, seed).find(
    ({ kind, messages, text }) => kind === 'fact' && messages.length === 1 && text.endsWith('?'),
  );
  const beginnings = [{ text: '', ids: [end] }];
  if (question) {
    const ids = promptTokens(tokenizer, question.messages, 'base', gpt.shape.context - maxNewTokens);
    beginnings.push({ text: question.text, ids });
  }
  const { responses } = await generateAll(
    gpt,
    beginnings.map(({ ids }) => ids),
    {
      temperature: TEMPERATURE,
      topK: 0,
      topP: 1,
      maxNewTokens,
      seed: (seed + step) >>> 0,
      stopToken: end,
      padToken: pad,
    },
  );
  return beginnings.map(({ text }, i) => ({
    beginning: text,
    text: tokenizer.decode((responses[i] as number[]).filter((id) => id !== end)).trim(),
  }));
}
