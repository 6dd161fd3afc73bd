/** For tests of the session: an origin that serves untrained models, and visits that listen to all that is said. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { PRESETS } from '../config';
import { startDevice } from '../gpu/device';
import { saveVariables, toGpt2Config } from '../model/checkpoint';
import { disposeGpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { trainTokenizer } from '../text/tokenizer';
import { pretrainingDocuments } from '../text/world/documents';
import { createWorld } from '../text/world/world';
import type { CheckpointFile, OpenRequest, SessionEvent, StartRequest } from './protocol';
import { TrainingSession } from './session';
import { TOY_SETTINGS } from './toyWorkshop';

export const SHAPE = PRESETS.nano;
export const MODELS_URL = 'https://nudge.test/models/';
export const PRETRAIN = {
  ...{ stage: 'pretrain', runId: 'run-1', seed: 1 },
  settings: TOY_SETTINGS.pretrain,
} as const satisfies StartRequest;

export interface Visits {
  /** What the page's origin serves. */
  served: Map<string, ArrayBuffer | string>;
  /** What was said since the test began, or since it was emptied. */
  events: SessionEvent[];
  open(checkpoints?: CheckpointFile[], changes?: Partial<OpenRequest>): Promise<TrainingSession>;
  checkpoints(): CheckpointFile[];
  /** Resolves when a run is over. */
  over(runId: string): Promise<SessionEvent>;
}

/** Inside of a `describe`. @param onStep called when a step is reported */
export function visits(onStep: () => void = () => undefined): Visits {
  const served: Visits['served'] = new Map();
  const all: Visits = { served, events: [], open, checkpoints, over };

  beforeAll(async () => {
    await startDevice('wasm');
    const documents = pretrainingDocuments(createWorld(1), 1);
    const texts = Array.from({ length: 300 }, () => documents.next().value);
    served.set('nano/tokenizer.json', JSON.stringify(trainTokenizer(texts, SHAPE.vocabulary)));
    for (const [seed, name] of ['base', 'sft'].entries()) {
      const gpt = tinyGpt(seed + 1, SHAPE);
      served.set(`nano/${name}.safetensors`, await saveVariables(gpt.parameters));
      disposeGpt(gpt);
    }
  }, 60_000);
  beforeEach(() => {
    all.events = [];
    served.set('nano/config.json', JSON.stringify(toGpt2Config(SHAPE)));
    vi.stubGlobal('fetch', (url: string) => {
      const body = served.get(url.replace(MODELS_URL, ''));
      return Promise.resolve(body === undefined ? new Response(null, { status: 404 }) : new Response(body));
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    tf.disposeVariables();
  });

  function open(checkpoints: CheckpointFile[] = [], changes: Partial<OpenRequest> = {}): Promise<TrainingSession> {
    const request: OpenRequest = { preset: 'auto', backend: 'wasm', seed: 0, modelsUrl: MODELS_URL, checkpoints };
    return TrainingSession.open({ ...request, ...changes }, (event) => {
      all.events.push(event);
      if (event.type !== 'run.metrics') return;
      onStep();
      // So that every step that counts is worth a checkpoint.
      if (vi.isFakeTimers()) vi.advanceTimersByTime(20_000);
    });
  }
  function checkpoints(): CheckpointFile[] {
    return all.events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
  }
  async function over(runId: string): Promise<SessionEvent> {
    const isOver = (event: SessionEvent): boolean =>
      event.type === 'run.state' && event.runId === runId && ['done', 'stopped', 'failed'].includes(event.state);
    await vi.waitUntil(() => all.events.some(isOver) && all.events.at(-1)?.type === 'session.changed', {
      timeout: 20_000,
      interval: 5,
    });
    return all.events.find(isOver) as SessionEvent;
  }
  return all;
}
