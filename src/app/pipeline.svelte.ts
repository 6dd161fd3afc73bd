/** Starting a stage by hand: what it needs first, what it would replace, and the request that starts it. */
import type { StageName } from '../config';
import { NudgeError } from '../errors';
import { methodInfo } from '../methods';
import type { MethodFamily, MethodName } from '../methods';
import type { MethodRequest, OwnReward, Ranking, SessionReport } from '../session/protocol';
import type { Labels } from './labels.svelte';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';
import type { SettingsForm } from './settingsForm.svelte';
import type { StageRequest, Training } from './training.svelte';
import type { Seeds } from './blindOrder';

/** Fewer leave nothing to hold out. */
const FEWEST_RANKINGS = 2;

export class Pipeline {
  /** PPO goes on from the policy there is; otherwise from the SFT model. */
  continuePolicy = $state(true);
  /** The imported file that alone the reward model is to learn from; empty: everything that was ranked. */
  rankingSource = $state('');

  /** A run that was cut short and can go on here: not while another tab has it, nor once it was done there. */
  readonly resumable: SessionReport['resumable'] = $derived.by(() => {
    const resumable = this.#session.report?.resumable ?? null;
    if (!resumable || this.#training.elsewhere) return null;
    const run = this.#training.runs[resumable.stage];
    return run?.id === resumable.runId && run.state === 'done' ? null : resumable;
  });

  readonly #session: Session;
  readonly #training: Training;
  readonly #labels: Labels;
  readonly #settings: SettingsForm;
  readonly #notices: Notices;
  readonly #seeds: Seeds;
  readonly #ownReward: () => OwnReward | null;

  constructor(
    session: Session,
    training: Training,
    labels: Labels,
    settings: SettingsForm,
    notices: Notices,
    seeds: Seeds,
    ownReward: () => OwnReward | null = () => null,
  ) {
    this.#session = session;
    this.#training = training;
    this.#labels = labels;
    this.#settings = settings;
    this.#notices = notices;
    this.#seeds = seeds;
    this.#ownReward = ownReward;
  }

  /** Why a stage cannot be started now, as a sentence; empty when it can. */
  blocked(stage: StageName): string {
    const stages = this.#session.report?.stages;
    if (this.#session.phase !== 'ready' || !stages) return 'The model is still being loaded.';
    if (this.#training.busy) return 'Another stage is being trained.';
    if (stage === 'sft' && stages.base === 'none') return 'It needs a base model first.';
    if (stage === 'rewardModel' && this.#labels.count < FEWEST_RANKINGS)
      return 'It needs rankings first: rank some replies in Chat.';
    if (stage !== 'ppo') return '';
    if (this.#family === 'preferences') {
      const { count, thumbs } = this.#labels;
      if (this.#settings.method !== 'KTO')
        return count > 0 ? '' : `${this.#settings.method} needs rankings first: rank some replies in Chat.`;
      if (count + thumbs === 0)
        return 'KTO needs thumbs or rankings first: give some replies in Chat a thumb, or rank them.';
      return '';
    }
    if (stages.rewardModel === 'none' && this.#ownReward()?.modelWeight !== 0) return 'It needs a reward model first.';
    return '';
  }

  /** What starting a stage would throw away, as a question; empty when nothing. */
  replaces(stage: StageName): string {
    const stages = this.#session.report?.stages;
    const hasPolicy = stages?.policy === 'trained';
    if (stage === 'pretrain' && stages?.base !== 'none') {
      return 'This starts from random weights and, once it is over, replaces the base model and all that was made of it. You can undo it. Go on?';
    }
    if (stage === 'sft' && (hasPolicy || stages?.rewardModel === 'trained')) {
      return 'This replaces the SFT model; what was trained on top of it goes. Go on?';
    }
    if (stage === 'ppo' && hasPolicy && !this.continuePolicy) return 'This replaces the trained policy. Go on?';
    return '';
  }

  async start(stage: StageName, startPaused = false): Promise<void> {
    try {
      await this.#training.start({ ...(await this.#request(stage)), startPaused });
    } catch (error) {
      this.#notices.fail('training', error);
    }
  }

  /** Trains a reward model on rankings. */
  learning(seed: number, rankings: Ranking[]): StageRequest {
    return { stage: 'rewardModel', seed, rankings, heldOut: [], settings: this.#settings.values.rewardModel };
  }

  /** Trains the policy by the method that was chosen, paid by the person's own reward as well where it is used. */
  tuning(seed: number, rankings: Ranking[], extraPrompts: string[], continuePolicy: boolean): StageRequest {
    const settings = this.#settings.values.ppo;
    const [method, ownReward] = [this.#method(rankings), this.#ownReward()];
    return { stage: 'ppo', seed, settings, method, extraPrompts, continuePolicy, ownReward };
  }

  /** What trains the policy, and by what: in words for the page. */
  get method(): { name: MethodName; byRewardModel: boolean; byOwnReward: boolean } {
    const byRewardModel = this.#family !== 'preferences';
    return { name: this.#settings.method, byRewardModel, byOwnReward: byRewardModel && this.#ownReward() !== null };
  }

  get #family(): MethodFamily {
    return methodInfo(this.#settings.method).family;
  }

  /** The method that was chosen, with what it is run with; null for PPO. */
  #method(rankings: Ranking[]): MethodRequest | null {
    const { method: name, values } = this.#settings;
    const family = this.#family;
    if (family === 'ppo') return null;
    if (family === 'policyGradient') return { family, name, settings: values.policyGradient };
    return { family, name, settings: values.preferences, rankings };
  }

  async #request(stage: StageName): Promise<StageRequest> {
    const settings = this.#settings.values;
    const seed = this.#seeds.next();
    switch (stage) {
      case 'pretrain':
        return { stage, seed, settings: settings.pretrain };
      case 'sft':
        return { stage, seed, settings: settings.sft, demonstrations: await this.#labels.demonstrations() };
      case 'rewardModel': {
        const rankings = await this.#labels.rankings(this.rankingSource || undefined);
        return this.learning(seed, rankings);
      }
      case 'ppo': {
        const continuePolicy = this.continuePolicy && this.#session.report?.stages.policy === 'trained';
        const extraPrompts = await this.#labels.prompts();
        const fromRankings = this.#family === 'preferences';
        const rankings = fromRankings ? await this.#labels.rankings(this.rankingSource || undefined) : [];
        return this.tuning(seed, rankings, extraPrompts, continuePolicy);
      }
      default:
        throw new NudgeError('internal', `There is no stage "${String(stage satisfies never)}".`, 'Reload the page.');
    }
  }
}
