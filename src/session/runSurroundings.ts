/** For tests: what the session gives to a run, with a device that can be lost. */
import type { DeviceLostError } from '../errors';
import type { CheckpointFile, RunState, SessionEvent } from './protocol';

export class Surroundings {
  readonly events: SessionEvent[] = [];
  readonly transfers: Transferable[][] = [];
  readonly metadata = { seed: '1' };
  recoveries = 0;
  recoverWith: () => void = () => undefined;
  lose: (error: DeviceLostError) => void = () => undefined;
  #lost: Promise<DeviceLostError>;

  constructor() {
    this.#lost = this.#freshDevice();
  }

  #freshDevice(): Promise<DeviceLostError> {
    return new Promise((resolve) => (this.lose = resolve));
  }

  readonly emit = (event: SessionEvent, transfer: Transferable[] = []): void => {
    this.events.push(event);
    if (transfer.length > 0) this.transfers.push(transfer);
    this.listener(event);
  };
  listener: (event: SessionEvent) => void = () => undefined;
  readonly deviceLost = (): Promise<DeviceLostError> => this.#lost;
  readonly recoverDevice = async (): Promise<void> => {
    this.recoveries += 1;
    this.recoverWith();
    this.#lost = this.#freshDevice();
    await Promise.resolve();
  };

  /** States entered, in order. */
  get states(): RunState[] {
    return this.events.flatMap((event) => (event.type === 'run.state' ? [event.state] : []));
  }

  get steps(): number[] {
    return this.events.flatMap((event) => (event.type === 'run.metrics' ? [event.step] : []));
  }

  get checkpoints(): CheckpointFile[] {
    return this.events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
  }
}
