/** What models reply to prompts of the world, gathered by prompt. */
import { MAX_RESPONSE_TOKENS } from '../../src/config';
import { answers, type Answer, type AnswerRequest, type Speaker } from '../../src/rlhf/answers';
import { longestReply } from '../../src/rlhf/simulatedRankings';
import type { WorldPrompt } from '../../src/text/world/prompts';
import type { World } from '../../src/text/world/world';

/** Prompts of which the answers come at once, and a piece of work for `Progress`. */
const PROMPTS_IN_PIECE = 32;

export const piecesOf = (prompts: number): number => prompts / PROMPTS_IN_PIECE;

/** @returns for each prompt, in their order, its `samplesPerPrompt` answers */
export async function answersOf(
  speaker: Speaker,
  world: World,
  prompts: readonly WorldPrompt[],
  request: Omit<AnswerRequest, 'maxNewTokens'>,
  onPieces: (pieces: number) => void,
): Promise<Answer[][]> {
  const samples = request.samplesPerPrompt;
  const maxNewTokens = longestReply(speaker.gpt.shape.context, MAX_RESPONSE_TOKENS);
  const all: Answer[] = [];
  for await (const some of answers(speaker, world, prompts, { ...request, maxNewTokens })) {
    all.push(...some);
    onPieces(piecesOf(some.length / samples));
  }
  return prompts.map((_, i) => all.slice(i * samples, (i + 1) * samples));
}
