/** One press from rankings to a changed model: the reward model is trained on all rankings, then PPO follows it. */
import { CancelledError, toPlainError } from '../errors';
import type { Labels } from './labels.svelte';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';
import type { SettingsForm } from './settingsForm.svelte';
import type { StageRequest, Training } from './training.svelte';
import type { Seeds } from './blindOrder';

/** Rankings after which the page offers to learn from them. */
export const RANKINGS_TO_TEACH = 5;
/** Ten to twelve updates bring most of the gain (measured at this scale); a full run is in Train. */
const TEACH_UPDATES = 12;

export class Teach {
  running = $state(false);
  /** A policy came out of the last teaching, and the replies on the page are from before it. */
  taught = $state(false);

  readonly #session: Session;
  readonly #training: Training;
  readonly #labels: Labels;
  readonly #settings: SettingsForm;
  readonly #notices: Notices;
  readonly #seeds: Seeds;

  constructor(
    session: Session,
    training: Training,
    labels: Labels,
    settings: SettingsForm,
    notices: Notices,
    seeds: Seeds,
  ) {
    this.#session = session;
    this.#training = training;
    this.#labels = labels;
    this.#settings = settings;
    this.#notices = notices;
    this.#seeds = seeds;
  }

  /** Seconds that teaching will take, from what runs took here before, else from the kind of device. */
  get estimate(): number {
    const { rewardModel, ppo } = this.#training.runs;
    const device = this.#session.report?.device;
    const size = (this.#session.report?.model.parameters ?? 1e6) / 1e6;
    const slow = device?.backend === 'cpu' ? 60 : device?.software ? 20 : device?.backend === 'wasm' ? 8 : 1;
    const anUpdate = ppo?.progress?.secondsPerStep ?? (0.2 + 0.4 * size) * slow;
    const aStep = rewardModel?.progress?.secondsPerStep ?? (0.03 + 0.05 * size) * slow;
    const { epochs, rankingsPerStep } = this.#settings.values.rewardModel;
    const steps = epochs * Math.ceil(this.#labels.count / rankingsPerStep);
    return anUpdate * TEACH_UPDATES + aStep * steps;
  }

  /** Trains the reward model and then the policy; resolves when the model has changed or the person stopped it. */
  async start(): Promise<void> {
    if (this.running || this.#training.busy) return;
    this.running = true;
    this.taught = false;
    const seed = this.#seeds.next();
    try {
      const { rewardModel, ppo } = this.#settings.values;
      const rankings = await this.#labels.rankings();
      await this.#run({ stage: 'rewardModel', seed, settings: rewardModel, rankings, heldOut: [] });
      await this.#run({
        stage: 'ppo',
        seed,
        settings: { ...ppo, updates: Math.min(ppo.updates, TEACH_UPDATES) },
        extraPrompts: await this.#labels.prompts(),
        continuePolicy: this.#session.report?.stages.policy === 'trained',
      });
      this.taught = true;
    } catch (error) {
      if (toPlainError(error).code !== 'cancelled') this.#notices.fail('training', error);
    } finally {
      this.running = false;
    }
  }

  async #run(request: StageRequest): Promise<void> {
    const run = await this.#training.start(request);
    if ((await this.#training.ended(run)) !== 'done') throw new CancelledError('Teaching');
  }
}
