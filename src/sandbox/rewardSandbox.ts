/**
 * Runs a reward function that a person wrote, where it can do no harm: in a worker, inside of a frame of an origin of
 * its own (`sandbox` without `allow-same-origin`), under a policy that lets nothing be loaded or sent. The worker is
 * ended when it takes too long or says what it was not asked.
 */
import { RewardFunctionError } from '../errors';
import { frameDocument, type FrameRequest, workerSource } from './frameProgram';
import { checkedRewards, type FrameAnswer, LONGEST_CODE, type RewardItem } from './rewardFunction';

/** A call may take so long, in milliseconds: some for itself, and a little for each reply. */
export const timeLimit = (replies: number): number => 1000 + 10 * replies;

/** What the page waits beyond the frame's own limit before it takes the frame away. */
const PATIENCE = 4000;

interface Waiting {
  resolve(answer: FrameAnswer): void;
  timer: ReturnType<typeof setTimeout>;
}

export class RewardSandbox {
  readonly #frame: HTMLIFrameElement;
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended = false;
  /** Why it ended, where nobody was waiting to hear it. */
  #fault: RewardFunctionError | null = null;

  private constructor(frame: HTMLIFrameElement, port: MessagePort) {
    this.#frame = frame;
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<FrameAnswer>) => this.#hear(data);
  }

  /**
   * Starts a function.
   * @throws RewardFunctionError where it cannot be read, or is no function
   */
  static async open(code: string): Promise<RewardSandbox> {
    if (code.length > LONGEST_CODE)
      throw new RewardFunctionError('syntax', `at most ${LONGEST_CODE} characters`, `${code.length}`);
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.title = 'Reward function';
    frame.hidden = true;
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join('');
    frame.srcdoc = frameDocument(nonce);
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
    document.body.append(frame);
    await loaded;
    const channel = new MessageChannel();
    const sandbox = new RewardSandbox(frame, channel.port1);
    // The frame has an origin that nobody can name.
    frame.contentWindow?.postMessage(null, '*', [channel.port2]);
    await sandbox.#ask({ type: 'open', ...workerSource(code) }, 0, PATIENCE);
    return sandbox;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * What each reply is worth.
   * @throws RewardFunctionError; the sandbox has then ended
   */
  async score(items: readonly RewardItem[]): Promise<number[]> {
    if (items.length === 0) return [];
    const id = this.#nextId++;
    const milliseconds = timeLimit(items.length);
    const rewards = await this.#ask(
      { type: 'score', id, items: [...items], milliseconds },
      id,
      milliseconds + PATIENCE,
    );
    try {
      return checkedRewards(rewards, items.length);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Ends the function, whatever it does. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#frame.remove();
    this.#port.close();
    for (const [id, { resolve }] of [...this.#waiting]) resolve({ id, fault: 'start', message: 'it was closed' });
  }

  async #ask(request: FrameRequest, id: number, patience: number): Promise<unknown> {
    if (this.#ended) throw this.#fault ?? new RewardFunctionError('start', 'it was ended before');
    const answer = await new Promise<FrameAnswer>((resolve) => {
      const timer = setTimeout(() => resolve({ id, fault: 'time', message: '' }), patience);
      this.#waiting.set(id, { resolve, timer });
      this.#port.postMessage(request);
    });
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
    if (!('fault' in answer)) return answer.rewards;
    this.close();
    throw new RewardFunctionError(answer.fault, answer.message);
  }

  /** A fault that belongs to no request ends the next one, or the sandbox. */
  #hear(answer: FrameAnswer): void {
    const waiting = this.#waiting.get(answer.id) ?? [...this.#waiting.values()][0];
    if (waiting) waiting.resolve(answer);
    else if ('fault' in answer) {
      this.#fault = new RewardFunctionError(answer.fault, answer.message);
      this.close();
    }
  }
}
