/** The page's end of the line to the worker: one promise a command, listeners for events, errors as `NudgeError`s. */
import { RemoteError, toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type { CommandName, Commands, Results, SessionEvent, WorkerMessage } from './protocol';

interface Pending {
  resolve(result: Results[CommandName]): void;
  reject(error: Error): void;
}

export type EventListener = (event: SessionEvent) => void;

/** A worker that runs the training session. A client is used until `close`; then a new one is made. */
export class SessionClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #listener: EventListener;
  #nextId = 1;
  #closed = false;

  /** @param listener hears every event, in the order in which the worker sent them */
  constructor(listener: EventListener) {
    this.#listener = listener;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'nudge-session' });
    this.#worker.addEventListener('message', (message: MessageEvent<WorkerMessage>) => this.#receive(message.data));
    this.#worker.addEventListener('messageerror', () =>
      this.#breakDown('A message from the worker could not be read.'),
    );
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#breakDown(event.message || 'The training worker could not be started.');
    });
  }

  /**
   * Sends one command and waits for its own answer.
   *
   * @param transfer buffers that move to the worker; they are empty here afterwards
   * @throws RemoteError with the worker's code, message, remedy and stack
   */
  call<N extends CommandName>(name: N, request: Commands[N], transfer: Transferable[] = []): Promise<Results[N]> {
    const id = this.#nextId++;
    return new Promise<Results[N]>((resolve, reject) => {
      if (this.#closed) {
        reject(new RemoteError(closedError()));
        return;
      }
      // The worker answers an id with the result of the command that had that id, so the union narrows to this entry.
      this.#pending.set(id, { resolve: (result) => resolve(result as Results[N]), reject });
      try {
        this.#worker.postMessage({ id, name, request }, transfer);
      } catch (error) {
        this.#pending.delete(id);
        reject(new RemoteError(toPlainError(error)));
      }
    });
  }

  /** Ends the worker; what it had not answered fails as cancelled. */
  close(): void {
    this.#closed = true;
    this.#worker.terminate();
    this.#rejectAll(closedError());
  }

  #receive(message: WorkerMessage): void {
    if (this.#closed) return;
    if (message.type === 'event') {
      this.#listener(message.event);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#pending.delete(message.id);
    if (message.type === 'failure') pending.reject(new RemoteError(message.error));
    else pending.resolve(message.result);
  }

  #breakDown(message: string): void {
    const error: PlainError = {
      name: 'WorkerError',
      code: 'internal',
      message,
      remedy: 'Reload the page. Everything you ranked is stored.',
      stack: '',
    };
    this.#rejectAll(error);
    this.#listener({ type: 'error', error });
  }

  #rejectAll(error: PlainError): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of waiting) pending.reject(new RemoteError(error));
  }
}

function closedError(): PlainError {
  return {
    name: 'CancelledError',
    code: 'cancelled',
    message: 'The session was closed before it answered.',
    remedy: 'Try again; a new session is starting.',
    stack: '',
  };
}
