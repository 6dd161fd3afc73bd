/**
 * The whole loop without a hand on it: SFT, a simulated labeler that ranks, the reward model, PPO, and a measurement on
 * held-out prompts. For a teacher who wants to show it, and what `npm run demo` drives.
 */
import { LOOP, REPLIES_PER_PROMPT } from '../config';
import { CancelledError, InputError, NudgeError, RemoteError, toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type { EvaluationReport, Ranking } from '../session/protocol';
import { Job } from './job.svelte';
import type { Labeler } from './labeler.svelte';
import { loopReport } from './loopReport';
import type { LoopReport } from './loopReport';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import type { SettingsForm } from './settingsForm.svelte';
import type { StageRequest, Training } from './training.svelte';

/** Rollouts, rankings and measurement all sample at this temperature, as in the published recipe. */
const TEMPERATURE = 1;
const FIRST_RATIO_DEVIATION = 'val/ratio_first_deviation';

export interface AutopilotPlan {
  seed: number;
  rankings: number;
  prompts: number;
}

export type AutopilotState = 'idle' | 'running' | 'done' | 'failed' | 'stopped';
export type AutopilotStageName = 'sft' | 'rank' | 'rewardModel' | 'ppo' | 'evaluate';

export interface AutopilotStage {
  name: AutopilotStageName;
  state: 'waiting' | 'running' | 'done';
  seconds: number | null;
}

const STAGES: readonly AutopilotStageName[] = ['sft', 'rank', 'rewardModel', 'ppo', 'evaluate'];

export class Autopilot {
  state = $state<AutopilotState>('idle');
  stages = $state.raw<readonly AutopilotStage[]>([]);
  report = $state.raw<LoopReport | null>(null);
  error = $state.raw<PlainError | null>(null);
  readonly job: Job;

  readonly #session: Session;
  readonly #training: Training;
  readonly #settings: SettingsForm;
  readonly #labeler: Labeler;
  #stopAsked = false;

  constructor(session: Session, training: Training, settings: SettingsForm, labeler: Labeler) {
    this.#session = session;
    this.#training = training;
    this.#settings = settings;
    this.#labeler = labeler;
    this.job = new Job(session);
  }

  /** Runs the loop to its end; the outcome is in `state`, `report` and `error`. */
  async start(plan: AutopilotPlan): Promise<void> {
    if (this.state === 'running') return;
    this.state = 'running';
    this.report = null;
    this.error = null;
    this.#stopAsked = false;
    this.stages = STAGES.map((name) => ({ name, state: 'waiting', seconds: null }));
    try {
      this.report = await this.#loop(plan);
      this.state = 'done';
    } catch (error) {
      const stopped = this.#stopAsked || toPlainError(error).code === 'cancelled';
      this.state = stopped ? 'stopped' : 'failed';
      if (!stopped) this.error = toPlainError(error);
    }
  }

  stop(): void {
    this.#stopAsked = true;
    this.job.cancel();
    void this.#training.stop();
  }

  async #loop({ seed, rankings, prompts }: AutopilotPlan): Promise<LoopReport> {
    const startedAt = performance.now();
    const settings = this.#settings.values;

    const sft = await this.#train('sft', { stage: 'sft', seed, settings: settings.sft, demonstrations: [] });

    const ranked = await this.#timed('rank', async () => ({
      train: await this.#rank(rankings, 'train', seed),
      heldOut: await this.#rank(LOOP.heldOutRankings, 'heldOut', seed + 1),
    }));

    const rewardModel = await this.#train('rewardModel', {
      stage: 'rewardModel',
      seed,
      settings: settings.rewardModel,
      rankings: ranked.result.train,
      heldOut: ranked.result.heldOut,
    });
    const rewardModelReport = rewardModel.run.report;
    if (!rewardModelReport) throw new InputError('The reward model ended without a report.', 'Start the loop again.');

    const ppo = await this.#train('ppo', {
      stage: 'ppo',
      seed,
      settings: settings.ppo,
      extraPrompts: [],
      continuePolicy: false,
    });

    const evaluation = await this.#timed('evaluate', () => this.#evaluate(prompts, seed));
    const session = this.#session.report;
    if (!session) throw new InputError('The session was closed.', 'Start the loop again.');
    return loopReport({
      seed,
      session,
      settings,
      seconds: (performance.now() - startedAt) / 1000,
      sft: { steps: sft.run.progress?.steps ?? sft.run.metrics.length, seconds: sft.seconds },
      rewardModel: { report: rewardModelReport, seconds: rewardModel.seconds },
      ppo: {
        updates: settings.ppo.updates,
        seconds: ppo.seconds,
        firstMinibatchRatioDeviation: ppo.run.metrics.max(FIRST_RATIO_DEVIATION),
      },
      evaluation: evaluation.result,
    });
  }

  async #train(name: AutopilotStageName, request: StageRequest): Promise<{ run: Run; seconds: number }> {
    const { result, seconds } = await this.#timed(name, async () => {
      const run = await this.#training.start(request);
      const state = await this.#training.ended(run);
      if (run.error) throw new RemoteError(run.error);
      if (state !== 'done') throw new CancelledError('The loop');
      return run;
    });
    return { run: result, seconds };
  }

  async #rank(count: number, split: 'train' | 'heldOut', seed: number): Promise<Ranking[]> {
    const { weights } = this.#labeler;
    const result = await this.#do((jobId) =>
      this.#session.call('rank.simulate', {
        jobId,
        count,
        k: REPLIES_PER_PROMPT,
        split,
        from: 'sft',
        temperature: TEMPERATURE,
        seed,
        ...(weights && { weights }),
      }),
    );
    return result.rankings;
  }

  #evaluate(prompts: number, seed: number): Promise<EvaluationReport> {
    return this.#do((jobId) =>
      this.#session.call('evaluate', {
        jobId,
        prompts,
        samplesPerPrompt: 2,
        temperature: TEMPERATURE,
        models: ['base', 'sft', 'policy'],
        seed,
      }),
    );
  }

  /** A job whose failure ends the loop. */
  async #do<T>(work: (jobId: string) => Promise<T>): Promise<T> {
    const result = await this.job.run(work);
    if (result !== null) return result;
    const error = this.job.error;
    throw error ? new RemoteError(error) : new CancelledError('The loop');
  }

  async #timed<T>(name: AutopilotStageName, work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
    if (this.#stopAsked) throw new CancelledError('The loop');
    this.#mark(name, { state: 'running' });
    const startedAt = performance.now();
    try {
      const result = await work();
      const seconds = (performance.now() - startedAt) / 1000;
      this.#mark(name, { state: 'done', seconds });
      return { result, seconds };
    } catch (error) {
      this.#mark(name, { state: 'waiting' });
      throw error instanceof NudgeError ? error : new RemoteError(toPlainError(error));
    }
  }

  #mark(name: AutopilotStageName, change: Partial<AutopilotStage>): void {
    this.stages = this.stages.map((stage) => (stage.name === name ? { ...stage, ...change } : stage));
  }
}
