/** Calls of `Measured` across a worker's messages. */
import type { ContenderName, ContenderOptions } from './contender';
import type { Measured } from './measured';

/** The methods of `Measured`, wherever it is. */
export type Remote = { [K in keyof Measured]: Measured[K] };

interface Call {
  id: number;
  method: keyof Measured;
  args: unknown[];
}

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

/** The worker's side: answers calls once `make` has made what is called. */
export function serve(make: (options: ContenderOptions) => Measured): void {
  let measured: Measured | null = null;
  addEventListener('message', ({ data }: MessageEvent<Call | ContenderOptions>) => {
    if ('subgroups' in data) measured = make(data);
    else void answer(measured, data).then((reply) => postMessage(reply));
  });
}

async function answer(measured: Measured | null, { id, method, args }: Call): Promise<Answer> {
  try {
    if (!measured) throw new Error('The worker was not told what to measure.');
    const called = measured[method] as (...args: unknown[]) => Promise<unknown>;
    return { id, result: await Reflect.apply(called, measured, args) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The page's side. */
export function remote(name: ContenderName, worker: Worker, options: ContenderOptions): Remote {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) call?.resolve(data.result);
    else call?.reject(new Error(`${name}: ${data.error}`));
  });
  worker.addEventListener('error', (event) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name}: ${event.message}`));
    waiting.clear();
  });
  worker.postMessage(options);
  return new Proxy({} as Remote, {
    get: (_, method) =>
      // A promise resolves with what has no `then`.
      method === 'then'
        ? undefined
        : (...args: unknown[]) =>
            new Promise((resolve, reject) => {
              const id = calls++;
              waiting.set(id, { resolve, reject });
              worker.postMessage({ id, method: method as keyof Measured, args } satisfies Call);
            }),
  });
}
