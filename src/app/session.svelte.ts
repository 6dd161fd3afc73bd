/** The session in the worker as the page sees it: what runs where, which weights exist, and one way to ask. */
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';
import { SessionClient } from '../session/client';
import type { EventListener } from '../session/client';
import type {
  Catalogue,
  CommandName,
  Commands,
  ModelRole,
  OpenRequest,
  Results,
  SessionEvent,
  SessionReport,
} from '../session/protocol';

export type SessionPhase = 'starting' | 'ready' | 'failed';

export class Session {
  phase = $state<SessionPhase>('starting');
  report = $state.raw<SessionReport | null>(null);
  /** What there is to choose from; null until the worker said so. */
  catalogue = $state.raw<Catalogue | null>(null);
  /** Why the session could not be opened. */
  failure = $state.raw<PlainError | null>(null);
  /** The GPU is gone and has not come back yet. */
  deviceLost = $state(false);
  /** Rises whenever weights changed, so that what was computed from them can be asked for again. */
  weightsVersion = $state(0);

  /** Some model can speak; a size that was never pretrained has none. */
  readonly canSpeak: boolean = $derived(
    this.phase === 'ready' &&
      this.report !== null &&
      (this.report.stages.base !== 'none' || this.report.stages.sft !== 'none'),
  );

  readonly #listeners = new Set<EventListener>();
  #client: SessionClient | null = null;

  /** The most trained weights that can speak. */
  readonly speaker: ModelRole = $derived.by(() => {
    const stages = this.report?.stages;
    if (stages && stages.policy !== 'none') return 'policy';
    return stages && stages.sft !== 'none' ? 'sft' : 'base';
  });

  /** Starts a worker (ending the one before) and opens a session in it. */
  async open(request: OpenRequest): Promise<void> {
    this.#client?.close();
    this.phase = 'starting';
    this.failure = null;
    this.deviceLost = false;
    try {
      this.#client = new SessionClient((event) => this.#hear(event));
      this.#learnCatalogue(this.#client);
      this.report = await this.#client.call(
        'session.open',
        request,
        request.checkpoints.map((file) => file.bytes),
      );
      this.weightsVersion++;
      this.phase = 'ready';
    } catch (error) {
      this.failure = toPlainError(error);
      this.phase = 'failed';
      throw error;
    }
  }

  /** @throws RemoteError as the worker reports it */
  async call<N extends CommandName>(name: N, request: Commands[N], transfer: Transferable[] = []): Promise<Results[N]> {
    if (!this.#client) throw new Error('The session is not open yet.');
    return this.#client.call(name, request, transfer);
  }

  /** Takes over a report that a command returned. */
  adopt(report: SessionReport): void {
    this.report = report;
    this.weightsVersion++;
  }

  /** Hears every event; returns how to stop. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where the worker breaks down, opening the session says why. */
  #learnCatalogue(client: SessionClient): void {
    client.call('catalogue', {}).then(
      (catalogue) => (this.catalogue = catalogue),
      () => undefined,
    );
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'session.changed') this.adopt(event.report);
    if (event.type === 'device.lost') this.deviceLost = true;
    if (event.type === 'device.restored') {
      this.deviceLost = false;
      if (this.report) this.adopt({ ...this.report, device: event.report });
    }
    for (const listener of this.#listeners) listener(event);
  }
}
