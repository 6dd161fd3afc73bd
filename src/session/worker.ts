/** The worker's end of the line: one command in, one result or failure out, events in between. */
import '../ops/webgpuKernels';
import { InputError, RunConflictError, toPlainError } from '../errors';
import { catalogue } from './catalogue';
import { causeOf } from './deviceLoss';
import type { CommandMessage, Results, WorkerMessage } from './protocol';
import { TrainingSession } from './session';

let session: TrainingSession | null = null;

function post(message: WorkerMessage, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function answer(message: CommandMessage): Promise<Results[CommandMessage['name']]> {
  if (message.name === 'session.open') {
    if (session) throw new RunConflictError('The session is open already.', 'Reload the page to open another.');
    session = await TrainingSession.open(message.request, (event, transfer) =>
      post({ type: 'event', event }, transfer),
    );
    return session.report();
  }
  if (message.name === 'catalogue') return catalogue();
  if (!session) throw new InputError('The session is not open yet.', 'Wait until the model is loaded.');
  // Name and request come from one member of the union, so they belong together.
  const handle = session.handlers[message.name] as (request: unknown) => Promise<Results[CommandMessage['name']]>;
  const lost = session.deviceLost;
  try {
    return await handle(message.request);
  } catch (error) {
    throw await causeOf(error, lost);
  }
}

self.onmessage = async ({ data }: MessageEvent<CommandMessage>) => {
  try {
    const result = await answer(data);
    const transfer =
      (data.name === 'model.export' || data.name === 'run.save') &&
      result &&
      'bytes' in result &&
      result.bytes instanceof ArrayBuffer
        ? [result.bytes]
        : [];
    post({ type: 'result', id: data.id, result }, transfer);
  } catch (error) {
    post({ type: 'failure', id: data.id, error: toPlainError(error) });
  }
};

self.onunhandledrejection = (event) => {
  event.preventDefault();
  post({ type: 'event', event: { type: 'error', error: toPlainError(event.reason) } });
};
