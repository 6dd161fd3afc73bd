/**
 * The whole loop without a hand on it: SFT, a simulated labeler that ranks, the reward model, PPO, and a measurement on
 * held-out prompts. For a teacher who wants to show it, and what `npm run demo` drives.
 */
import { LOOP } from '../config';
import { InputError } from '../errors';
import type { PlainError } from '../errors';
import type { EvaluationReport } from '../session/protocol';
import type { Job } from './job.svelte';
import type { Labeler } from './labeler.svelte';
import { loopReport } from './loopReport';
import { LOOP_TEMPERATURE, LoopDriver } from './loopDriver';
import type { LoopReport } from './loopReport';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import type { SettingsForm } from './settingsForm.svelte';
import type { StageRequest, Training } from './training.svelte';

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

  readonly #session: Session;
  readonly #driver: LoopDriver;
  readonly #settings: SettingsForm;
  readonly #labeler: Labeler;

  /** Of the rankings and the measurement, as they go. */
  get job(): Job {
    return this.#driver.job;
  }

  constructor(session: Session, training: Training, settings: SettingsForm, labeler: Labeler) {
    this.#session = session;
    this.#settings = settings;
    this.#labeler = labeler;
    this.#driver = new LoopDriver(session, training, 'The loop');
  }

  /** Runs the loop to its end; the outcome is in `state`, `report` and `error`. */
  async start(plan: AutopilotPlan): Promise<void> {
    if (this.state === 'running') return;
    this.state = 'running';
    this.report = null;
    this.error = null;
    this.#driver.begin();
    this.stages = STAGES.map((name) => ({ name, state: 'waiting', seconds: null }));
    try {
      this.report = await this.#loop(plan);
      this.state = 'done';
    } catch (error) {
      ({ state: this.state, error: this.error } = this.#driver.ending(error));
    }
  }

  stop(): void {
    this.#driver.stop();
  }

  async #loop({ seed, rankings, prompts }: AutopilotPlan): Promise<LoopReport> {
    const startedAt = performance.now();
    const settings = this.#settings.values;

    const sft = await this.#train('sft', { stage: 'sft', seed, settings: settings.sft, demonstrations: [] });

    const ranked = await this.#timed('rank', async () => ({
      train: await this.#driver.rank(rankings, 'train', seed, this.#labeler.weights),
      heldOut: await this.#driver.rank(LOOP.heldOutRankings, 'heldOut', seed + 1, this.#labeler.weights),
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

  #train(name: AutopilotStageName, request: StageRequest): Promise<{ run: Run; seconds: number }> {
    return this.#timed(name, () => this.#driver.train(request)).then(({ result, seconds }) => ({
      run: result,
      seconds,
    }));
  }

  #evaluate(prompts: number, seed: number): Promise<EvaluationReport> {
    return this.#driver.do((jobId) =>
      this.#session.call('evaluate', {
        jobId,
        prompts,
        samplesPerPrompt: 2,
        temperature: LOOP_TEMPERATURE,
        models: ['base', 'sft', 'policy'],
        seed,
      }),
    );
  }

  async #timed<T>(name: AutopilotStageName, work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
    try {
      const timed = await this.#driver.timed(() => {
        this.#mark(name, { state: 'running' });
        return work();
      });
      this.#mark(name, { state: 'done', seconds: timed.seconds });
      return timed;
    } catch (error) {
      this.#mark(name, { state: 'waiting' });
      throw error;
    }
  }

  #mark(name: AutopilotStageName, change: Partial<AutopilotStage>): void {
    this.stages = this.stages.map((stage) => (stage.name === name ? { ...stage, ...change } : stage));
  }
}
