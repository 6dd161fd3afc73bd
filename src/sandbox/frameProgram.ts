/**
 * What runs inside of the sandbox's frame, as text: the frame's own program, and what stands around a person's function
 * in the worker that the frame starts. Both are written as functions, so that they are checked like all code, and are
 * turned into text by `toString`; so neither may use anything from outside of itself. Each is handed what is wrong with an
 * answer: the worker, so that nothing large is sent at all, and the frame, since a person's function may send what it
 * likes in the worker's place.
 */
import type { RewardFault } from '../errors';
import { type FrameAnswer, type RewardItem, wrongWith } from './rewardFunction';

/** What the page tells the frame. */
export type FrameRequest =
  /** `linesBefore` the person's own code in `source`. */
  | { type: 'open'; source: string; linesBefore: number }
  | { type: 'score'; id: number; items: RewardItem[]; milliseconds: number };

/** What the worker tells the frame. */
type WorkerAnswer =
  { ready: boolean } | { id: number; rewards: unknown } | { id: number; wrong: string } | { id: number; error: string };

/** The frame: starts the worker, counts what it says and how long it takes, and ends it. */
function frame(wrongIn: typeof wrongWith): void {
  /** What a person reads of a fault: more of it says no more. */
  const short = (said: unknown): string => (typeof said === 'string' ? said.slice(0, 500) : '');
  addEventListener('message', (first: MessageEvent<unknown>) => {
    const [port] = first.ports;
    if (!port) return;
    let worker: Worker | null = null;
    let asked: { id: number; count: number; timer: ReturnType<typeof setTimeout> } | null = null;
    let linesBefore = 0;
    const answer = (message: FrameAnswer): void => port.postMessage(message);
    const end = (fault: RewardFault, message: string): void => {
      const id = asked?.id ?? 0;
      if (asked) clearTimeout(asked.timer);
      asked = null;
      worker?.terminate();
      worker = null;
      answer({ id, fault, message: short(message) });
    };
    const hear = (data: WorkerAnswer | null): void => {
      if (!worker) return;
      if (data && typeof data === 'object' && 'ready' in data && asked?.id === 0) {
        clearTimeout(asked.timer);
        asked = null;
        if (data.ready) answer({ id: 0, rewards: [] });
        else end('missing', '');
      } else if (!asked || !data || typeof data !== 'object' || !('id' in data) || data.id !== asked.id) {
        end('flood', '');
      } else if ('error' in data) {
        end('threw', data.error);
      } else if ('wrong' in data) {
        end('result', data.wrong);
      } else {
        const wrong = wrongIn(data.rewards, asked.count);
        if (wrong) {
          end('result', wrong);
          return;
        }
        clearTimeout(asked.timer);
        asked = null;
        answer({ id: data.id, rewards: data.rewards });
      }
    };
    port.onmessage = ({ data }: MessageEvent<FrameRequest>) => {
      if (data.type === 'open') {
        linesBefore = data.linesBefore;
        const url = URL.createObjectURL(new Blob([data.source], { type: 'text/javascript' }));
        asked = { id: 0, count: 0, timer: setTimeout(() => end('time', ''), 3000) };
        try {
          worker = new Worker(url);
        } catch (error) {
          end('start', String(error));
          return;
        }
        worker.onmessage = (message: MessageEvent<WorkerAnswer | null>) => hear(message.data);
        worker.onerror = (event) => {
          event.preventDefault();
          end(
            asked?.id === 0 ? 'syntax' : 'threw',
            `${short(event.message).slice(0, 400) || 'it could not be run'} (line ${event.lineno - linesBefore})`,
          );
        };
        return;
      }
      if (!worker) {
        answer({ id: data.id, fault: 'start', message: '' });
        return;
      }
      asked = {
        id: data.id,
        count: data.items.length,
        timer: setTimeout(() => end('time', ''), data.milliseconds),
      };
      worker.postMessage({ id: data.id, items: data.items });
    };
  });
}

/**
 * Before a person's function, on the same line as its first: takes away what a function of text has no use for. What the
 * frame's policy keeps in is kept in without this; this is so that a reply is worth the same each time, and that a
 * function which tries is told why not.
 */
function prelude(wrongIn: typeof wrongWith): (score: ((items: RewardItem[]) => unknown) | null) => void {
  const post = postMessage.bind(self) as (message: unknown) => void;
  let scoreAll: ((items: RewardItem[]) => unknown) | null = null;
  addEventListener('message', ({ data }: MessageEvent<{ id: number; items: RewardItem[] }>) => {
    void answer(data);
  });
  const answer = async ({ id, items }: { id: number; items: RewardItem[] }): Promise<void> => {
    try {
      let rewards = await (scoreAll as (items: RewardItem[]) => unknown)(items);
      if (Array.isArray(rewards) && rewards.length === items.length) rewards = await Promise.all(rewards);
      const wrong = wrongIn(rewards, items.length);
      post(wrong ? { id, wrong } : { id, rewards });
    } catch (error) {
      post({ id, error: String(error instanceof Error ? error.message : error).slice(0, 500) });
    }
  };
  // The browser's console keeps what it is told for as long as the page is open.
  const full = self.console;
  let linesLeft = 100;
  const textOf = (said: unknown): string => (typeof said === 'string' ? said : (JSON.stringify(said) ?? String(said)));
  const note =
    (level: 'log' | 'warn' | 'error') =>
    (...said: unknown[]): void => {
      if (linesLeft-- > 0) full[level](said.map(textOf).join(' ').slice(0, 500));
    };
  const log = note('log');
  const notes = { log, info: log, debug: log, warn: note('warn'), error: note('error') };
  Object.defineProperty(self, 'console', { value: notes });

  const deny = (owner: object, names: string[], why: string): void => {
    for (const name of names)
      Object.defineProperty(owner, name, {
        configurable: false,
        get: () => {
          throw new Error(`${name} is not there: ${why}`);
        },
      });
  };
  deny(
    self,
    [
      ...['fetch', 'XMLHttpRequest', 'WebSocket', 'WebTransport', 'EventSource', 'importScripts', 'Worker'],
      ...['indexedDB', 'caches', 'BroadcastChannel', 'navigator', 'localStorage', 'sessionStorage'],
    ],
    'a reward function has the prompt and the reply, no network and no storage',
  );
  const steady = 'a reply has to be worth the same each time';
  deny(self, ['Date', 'performance', 'crypto', 'setTimeout', 'setInterval', 'requestAnimationFrame'], steady);
  deny(Math, ['random'], steady);
  deny(Intl, ['DateTimeFormat'], steady); // of no date, it is today's
  // Of the rest, only the language itself, less what tells of time (Atomics.wait) or of when memory was cleaned (WeakRef).
  const kept = new Set<PropertyKey>([
    ...['globalThis', 'self', 'console', 'postMessage', 'queueMicrotask', 'structuredClone', 'atob', 'btoa'],
    ...['TextEncoder', 'TextDecoder', 'Infinity', 'NaN', 'undefined', 'parseFloat', 'parseInt', 'isFinite', 'isNaN'],
    ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape', 'eval'],
    ...['Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Math', 'JSON', 'Intl'],
    ...['Promise', 'Proxy', 'Reflect', 'RegExp', 'Map', 'Set', 'WeakMap', 'WeakSet', 'Iterator', 'ArrayBuffer'],
    ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
    ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
    ...['BigInt64Array', 'BigUint64Array', 'Float16Array', 'Float32Array', 'Float64Array', 'DataView', 'constructor'],
  ]);
  const above = (owner: object): object | null => Object.getPrototypeOf(owner) as object | null;
  for (let owner: object | null = self; owner && owner !== Object.prototype; owner = above(owner))
    for (const name of Reflect.ownKeys(owner)) if (!kept.has(name)) Reflect.deleteProperty(owner, name);
  // A trace names the address of this text, which is another each time.
  Object.defineProperty(Error, 'stackTraceLimit', { value: 0, writable: false, configurable: false });
  return (score) => {
    scoreAll = score;
    post({ ready: score !== null });
  };
}

/** The worker's program around a person's function, and how many lines of it stand before that. */
export function workerSource(code: string): { source: string; linesBefore: number } {
  const before = `"use strict";const __serve=(${prelude.toString()})(${wrongWith.toString()});`;
  const after = `
;__serve(typeof rewards==="function"?rewards:typeof reward==="function"?(items)=>items.map((item)=>reward(item.prompt,item.reply)):null);`;
  return { source: before + code + after, linesBefore: before.split('\n').length - 1 };
}

/**
 * The frame's page. Its policy lets it load nothing and reach nothing; its workers inherit it.
 * @param nonce of its own script, new for each frame
 */
export const frameDocument = (nonce: string): string =>
  `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}' blob:; worker-src blob:; connect-src 'none'"><script nonce="${nonce}">(${frame.toString()})(${wrongWith.toString()})</script>`;
