/** What the model is thinking: the likeliest next words after the prompt, and its likeliest reply now and before. */
import type { Message, ModelRole, NextToken, SessionEvent } from '../session/protocol';
import { throttled } from './frames';
import type { Session } from './session.svelte';

const NEXT_TOKENS = 6;
/** While a run changes the weights, the panel looks again at most this often. */
const LOOK_EVERY_MS = 4000;

export class Thinking {
  tokens = $state.raw<readonly NextToken[]>([]);
  now = $state<string | null>(null);
  before = $state<string | null>(null);
  /** Whose reply `now` and `before` are. */
  nowFrom = $state<ModelRole>('sft');
  beforeFrom = $state<ModelRole>('base');
  /** Why there is nothing to show. */
  problem = $state('');

  readonly #session: Session;
  readonly #conversation: () => readonly Message[];
  #looking = false;
  #again = false;
  /** The person waits for it: another conversation, not only other weights. */
  #awaited = false;
  readonly #lookSoon = throttled(() => void this.#look(), 300);
  readonly #lookWhileTraining = throttled(() => void this.#look(), LOOK_EVERY_MS);

  constructor(session: Session, conversation: () => readonly Message[]) {
    this.#session = session;
    this.#conversation = conversation;
    session.listen((event) => this.#hear(event));
  }

  /** Looks at the present conversation; call when it or the weights changed. */
  look(): void {
    this.#awaited = true;
    this.#lookSoon();
  }

  /** Another model: what this one thought says nothing about it. */
  forget(): void {
    this.tokens = [];
    this.now = null;
    this.before = null;
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'session.changed' || event.type === 'device.restored') this.#lookSoon();
    if (event.type === 'run.progress' && (event.stage === 'ppo' || event.stage === 'sft')) this.#lookWhileTraining();
  }

  /** One look at a time; what is asked for meanwhile is served once, afterwards. */
  async #look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    this.#awaited = false;
    try {
      await this.#ask();
      this.problem = '';
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#looking = false;
      if (this.#again) {
        this.#again = false;
        if (this.#awaited) this.#lookSoon();
        else this.#lookWhileTraining();
      }
    }
  }

  async #ask(): Promise<void> {
    const conversation = [...this.#conversation()];
    const stages = this.#session.report?.stages;
    if (conversation.length === 0 || !stages || !this.#session.canSpeak) return;
    this.tokens = (await this.#session.call('chat.inspect', { conversation, count: NEXT_TOKENS })).tokens;
    // While PPO runs the policy speaks already, before the session counts it as trained.
    const policyThinks = this.tokens.some(({ probability }) => probability.policy !== undefined);
    const speaker = policyThinks ? 'policy' : this.#session.speaker;
    this.now = await this.#likeliest(conversation, speaker);
    this.nowFrom = speaker;
    // A glance is no reason to fetch the base model; once it is here the panel looks again.
    const baseIsAway = this.#session.report?.unfetched.includes('base');
    const earlier: ModelRole | null =
      speaker === 'policy' ? 'sft' : speaker === 'sft' && stages.base !== 'none' && !baseIsAway ? 'base' : null;
    this.before = earlier === null ? null : await this.#likeliest(conversation, earlier);
    if (earlier !== null) this.beforeFrom = earlier;
  }

  async #likeliest(conversation: Message[], from: ModelRole): Promise<string> {
    const { replies } = await this.#session.call('chat.reply', {
      jobId: crypto.randomUUID(),
      conversation,
      k: 1,
      from,
      sampling: { temperature: 0, topK: 0, topP: 1, maxNewTokens: 40 },
      seed: 0,
    });
    return replies[0]?.text ?? '';
  }
}
