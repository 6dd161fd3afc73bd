/** For tests: a worker that answers as it is told, and the little of a browser that the page's classes ask for. */
import { vi } from 'vitest';
import { toPlainError } from '../errors';
import type {
  CommandMessage,
  CommandName,
  Commands,
  Results,
  SessionEvent,
  SessionReport,
  WorkerMessage,
} from '../session/protocol';
import { Session } from './session.svelte';

type Answers = { [N in CommandName]?: (request: Commands[N]) => Results[N] | Promise<Results[N]> };

/** A session of the smallest model, with what came with the page. */
export const REPORT: SessionReport = {
  device: { backend: 'wasm', adapter: 'WASM', software: false, features: [], fallbackReason: '' },
  model: { preset: 'nano', parameters: 1, context: 96, vocabulary: 512 },
  stages: { base: 'shipped', sft: 'shipped', rewardModel: 'none', policy: 'none' },
  fingerprints: { base: 'b0', sft: 's0' },
  unfetched: [],
  pretrainingUndo: null,
  resumable: null,
};

export class WorkerDouble extends EventTarget {
  /** What it was asked, in order. */
  readonly asked: CommandMessage[] = [];
  readonly answers: Answers;

  constructor(answers: Answers) {
    super();
    this.answers = answers;
  }

  postMessage(message: CommandMessage): void {
    this.asked.push(message);
    void this.#answer(message);
  }

  terminate(): void {
    this.asked.length = 0;
  }

  say(event: SessionEvent): void {
    this.#post({ type: 'event', event });
  }

  /** As a browser reports a worker whose code threw. */
  crash(message: string): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message }));
  }

  /** The requests of one command. */
  requests<N extends CommandName>(name: N): Commands[N][] {
    return this.asked.flatMap((message) => (message.name === name ? [message.request as Commands[N]] : []));
  }

  async #answer({ id, name, request }: CommandMessage): Promise<void> {
    const answer = this.answers[name] as ((request: unknown) => Promise<Results[CommandName]>) | undefined;
    try {
      this.#post({ type: 'result', id, result: await (answer ? answer(request) : null) });
    } catch (error) {
      this.#post({ type: 'failure', id, error: toPlainError(error) });
    }
  }

  #post(data: WorkerMessage): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

/** Opens a session on a worker double, in a page that draws at once. `vi.unstubAllGlobals` takes it all back. */
export async function openSession(answers: Answers = {}): Promise<{ session: Session; worker: WorkerDouble }> {
  const worker = new WorkerDouble({ 'session.open': () => REPORT, ...answers });
  vi.stubGlobal('Worker', function () {
    return worker;
  });
  stubPage();
  const session = new Session();
  await session.open({ preset: 'nano', backend: 'auto', seed: 0, modelsUrl: '', checkpoints: [] });
  return { session, worker };
}

/** Locks that this tab and, by `heldElsewhere`, another one may hold. */
export function stubPage(): { heldElsewhere: boolean } {
  const tabs = { heldElsewhere: false };
  let held = false;
  const locks = {
    async request(_name: string, _options: object, work: (lock: object | null) => Promise<void> | undefined) {
      const free = !held && !tabs.heldElsewhere;
      if (free) held = true;
      await work(free ? {} : null);
      if (free) held = false;
    },
    query: () => Promise.resolve({ held: held || tabs.heldElsewhere ? [{ name: 'nudge-training' }] : [] }),
  };
  vi.stubGlobal('navigator', { locks });
  vi.stubGlobal('document', { hidden: false });
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => draw());
  return tabs;
}
