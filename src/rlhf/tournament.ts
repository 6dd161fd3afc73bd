/**
 * A tournament of models: all answer the same held-out prompts, the labeler says of each two of them which answered
 * better, and what comes of it is a rating for each (ratings.ts), and how often each wins over each.
 */
import { InputError } from '../errors';
import type { Gpt } from '../model/gpt';
import type { ModelRole, Standing, TournamentReport } from '../session/protocol';
import type { Tokenizer } from '../text/tokenizer';
import type { GoldWeights } from '../text/world/gold';
import type { World } from '../text/world/world';
import { answers } from './answers';
import { evaluationPrompts, type PromptCount } from './evaluationPrompts';
import { type Duel, ratings } from './ratings';
import { pairedChoices, winRate, type Choice } from './winRate';

export interface Contender {
  name: string;
  role: ModelRole;
  /** Has the model while `work` runs, so that no more than one of them is on the device. */
  borrow<T>(work: (gpt: Gpt) => Promise<T>): Promise<T>;
}

export interface TournamentRequest {
  prompts: PromptCount;
  samplesPerPrompt: number;
  temperature: number;
  maxNewTokens: number;
  seed: number;
  weights: GoldWeights;
  signal?: AbortSignal;
}

/** Models that a tournament needs. */
const FEWEST = 2;

/**
 * @param onprogress called with the answers that are there, of all that there will be
 * @throws InputError for fewer than two models; CancelledError
 */
export async function tournament(
  contenders: readonly Contender[],
  tokenizer: Tokenizer,
  world: World,
  request: TournamentRequest,
  onprogress: (done: number, total: number) => void = () => undefined,
): Promise<TournamentReport> {
  if (contenders.length < FEWEST)
    throw new InputError(`Expected two models or more to compare, got ${contenders.length}.`, 'Train a policy first.');
  const prompts = evaluationPrompts(world, 'heldOut', request.prompts, request.seed);
  const samples = request.temperature > 0 ? request.samplesPerPrompt : 1;
  const total = contenders.length * prompts.length;
  let done = 0;
  const gold: number[][][] = []; // [model][prompt][sample]
  for (const { role, borrow } of contenders) {
    gold.push(
      await borrow(async (gpt) => {
        const own: number[] = [];
        const asking = { ...request, samplesPerPrompt: samples };
        for await (const some of answers({ gpt, role, tokenizer }, world, prompts, asking)) {
          own.push(...some.map((answer) => answer.gold));
          done += some.length / samples;
          onprogress(done, total);
        }
        return prompts.map((_, prompt) => own.slice(prompt * samples, (prompt + 1) * samples));
      }),
    );
  }
  const choices = (first: number, second: number): Choice[][] =>
    prompts.map((_, prompt) => pairedChoices(gold[first]?.[prompt] ?? [], gold[second]?.[prompt] ?? []));
  const duels: Duel[] = [];
  for (let first = 0; first < contenders.length; first++)
    for (let second = first + 1; second < contenders.length; second++)
      choices(first, second).forEach((own, prompt) => {
        for (const choice of own) duels.push({ prompt, first, second, outcome: (choice + 1) / 2 });
      });
  const rated = ratings(duels, contenders.length, request.seed);
  return {
    prompts: prompts.length,
    standings: contenders.map(({ name }, i): Standing => {
      const { value, low, high } = i === 0 ? { value: 0.5, low: 0.5, high: 0.5 } : winRate(choices(i, 0));
      return { name, ...(rated[i] as (typeof rated)[number]), overFirst: { value, low, high } };
    }),
  };
}
