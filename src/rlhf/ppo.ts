/**
 * PPO on language: sample, score, and learn from each batch for a few epochs of minibatches.
 * Schulman et al. 2017, algorithm 1; applied to replies as in InstructGPT (Ouyang et al. 2022), section 3.5.
 *
 * Our deviations: the value model is a model of its own, started from the reward model, with its own optimiser, unless
 * the settings say otherwise;
 * advantages are whitened over the whole batch (lm-human-preferences does it per minibatch, which at this scale doubles
 * the approximate KL); learning rates fall to 0 over the run.
 */
import type { PpoSettings } from '../config';
import { nextMacrotask } from '../gpu/macrotask';
import { lengthMultiple, type Reader } from '../gpu/step';
import { type Batch, type Lengths, padBatch } from '../model/batch';
import { permutation } from '../ops/counterRandom';
import type { MetricValues, TrainingSample } from '../session/protocol';
import type { KlController } from './adaptiveKlController';
import type { Ema } from './ema';
import { minibatchMetrics, rolloutMetrics } from './ppoReport';
import { type Learners, type Pay, PpoSteps, type ScoredBatch } from './ppoSteps';
import { sampleResponses, type ControlTokens } from './rollout';
import { linearToZero } from './schedule';
import type { Scorer } from './scorer';
import type { TrainingStep } from './trainingStep';

export { ppoOptimisers } from './ppoSteps';

/** Everything that changes in a run; its tensors are the caller's. */
export interface PpoState extends Learners {
  klController: KlController;
  /** Updates done. */
  update: number;
  /** A slower copy of the policy, if one is kept. */
  ema?: Ema;
}

export interface PpoRun {
  settings: PpoSettings;
  tokens: ControlTokens;
  seed: number;
  /** Prompts of an update, in tokens: the same for the same update. */
  promptsOf(update: number): number[][];
  /** Scores that are added to the reward model's ... */
  scorer?: Scorer;
  /** ... which count this much; 1 unless given. */
  modelWeight?: number;
  /** Windows of the pretraining text for the next minibatch, [N, length]; needed where `ptxCoef` is not 0. */
  nextWindows?: () => { windows: Int32Array; length: number };
  /** What the replies of an update are worth by a truth that is never learnt from. */
  judge?: (update: number, responses: readonly number[][], finished: readonly boolean[]) => MetricValues;
  /** Turns tokens into the text of a sample. */
  describe(prompt: number[], response: number[]): { prompt: string; reply: string };
  signal?: AbortSignal;
}

/** Samples shown an update. */
const SHOWN_SAMPLES = 4;

/**
 * Runs updates until `settings.updates` are done; yields at each phase, and with metrics after each update. On WebGPU a
 * phase begins when its work is submitted: nothing of an update is read before its last minibatch is on its way.
 * @throws RatioError, NonFiniteError, CancelledError; the weights are then for the caller to restore
 */
export async function* ppo(state: PpoState, run: PpoRun): AsyncGenerator<TrainingStep> {
  const { settings, tokens } = run;
  const { policy } = state.models;
  const steps = settings.updates;
  const lengths = lengthsOf(run);
  let ppoSteps: PpoSteps | null = null;
  try {
    while (state.update < steps) {
      const step = state.update + 1;
      yield { step, steps, phase: 'sampling replies' };
      const prompts = run.promptsOf(state.update);
      const seed = (Math.imul(run.seed, 0x9e3779b1) + step) >>> 0;
      const { responses, finished } = await sampleResponses(policy, prompts, tokens, {
        temperature: settings.temperature,
        maxNewTokens: settings.maxNewTokens,
        topK: settings.topK,
        seed,
        lengths,
        ...(run.signal ? { signal: run.signal } : {}),
      });

      yield { step, steps, phase: 'scoring replies' };
      const { klCoef } = state.klController;
      const batch = padBatch(prompts, responses, tokens.pad, policy.shape.context, lengths);
      if (!ppoSteps?.fits(batch)) {
        ppoSteps?.dispose();
        ppoSteps = new PpoSteps(state, settings, batch, payOf(run));
      }
      const otherScores = await run.scorer?.({ batch, prompts, responses });
      const scoring = ppoSteps.score(batch, finished, klCoef, otherScores, seed)();
      scoring.catch(() => undefined); // It is awaited below; a device that is lost until then is no unhandled rejection.

      yield { step, steps, phase: 'learning' };
      const rates = [settings.learningRate, settings.valueLearningRate].map((rate) =>
        linearToZero(rate, state.update, steps),
      ) as [number, number];
      const minibatches = await submitMinibatches(ppoSteps, batch, run, rates, seed);
      // While the device works.
      const judged = run.judge?.(step - 1, responses, finished);
      const [scored, ...statistics] = await Promise.all([scoring, ...minibatches.map(statisticsOf)]);
      const metrics: MetricValues = {
        ...rolloutMetrics(batch, responses, finished, scored, klCoef),
        ...minibatchMetrics(statistics, step, { ratioMayDiffer: settings.scoringDropout > 0 }),
        ...judged,
        lr: rates[0],
        episode: step * prompts.length,
      };
      const samples = samplesOf(run, prompts, responses, scored, klCoef);
      if (settings.adaptiveKl) state.klController.update(metrics['objective/kl'] as number, prompts.length);
      state.ema?.follow(policy);
      state.update = step;
      yield { step, steps, phase: 'learning', metrics, samples };
    }
  } finally {
    ppoSteps?.dispose();
  }
}

/**
 * One length for every prompt of the run and one for every response, so that each step is recorded once; on the host
 * backends, which record nothing, rows are as long as they need to be. Counted over all updates, done ones too: a run
 * that was stopped goes on with the same shapes, and so with the same bits.
 */
function lengthsOf({ settings, promptsOf }: PpoRun): Lengths {
  const multiple = lengthMultiple();
  if (multiple === 1) return {};
  let prompt = 1;
  for (let update = 0; update < settings.updates; update++) {
    for (const { length } of promptsOf(update)) prompt = Math.max(prompt, length);
  }
  return { multiple, prompt, response: settings.maxNewTokens };
}

/**
 * The epochs of minibatches of one update, in an order of their own each. Waits for none of them.
 * @param rates of learning, of policy and value model
 */
async function submitMinibatches(
  ppoSteps: PpoSteps,
  batch: Batch,
  { settings: { ppoEpochs, minibatchSize, ptxCoef }, nextWindows }: PpoRun,
  rates: [number, number],
  seed: number,
): Promise<Reader[]> {
  const readers: Reader[] = [];
  for (let epoch = 0; epoch < ppoEpochs; epoch++) {
    for (const chosen of minibatchesOf(batch.rows, minibatchSize, seed, epoch)) {
      readers.push(ppoSteps.learn(batch, chosen, ...rates, ptxCoef === 0 ? undefined : nextWindows?.()));
      await nextMacrotask();
    }
  }
  return readers;
}

/** The rows of a batch in the order of an epoch, cut into minibatches: each row is in one of them. */
export function minibatchesOf(rows: number, minibatchSize: number, seed: number, epoch: number): number[][] {
  const order = permutation(rows, seed, 0xe70c + epoch);
  return Array.from({ length: Math.ceil(rows / minibatchSize) }, (_, i) =>
    order.slice(i * minibatchSize, (i + 1) * minibatchSize),
  );
}

/** What replies are paid by. */
const payOf = ({ scorer, modelWeight = 1, settings: { scoreScale } }: PpoRun): Pay => ({
  modelWeight: scoreScale * modelWeight,
  others: scorer !== undefined,
});

/** The parts of what a minibatch gives, in one list. */
const statisticsOf = async (read: Reader): Promise<number[]> => (await read()).flatMap((part) => [...part]);

function samplesOf(
  run: PpoRun,
  prompts: readonly number[][],
  responses: readonly number[][],
  { scores, kl }: ScoredBatch,
  klCoef: number,
): TrainingSample[] {
  return prompts.slice(0, SHOWN_SAMPLES).map((prompt, b) => {
    const [score, drift] = [scores[b] as number, kl[b] as number];
    return { ...run.describe(prompt, responses[b] as number[]), score, kl: drift, total: score - klCoef * drift };
  });
}
