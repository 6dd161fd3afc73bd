import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSafetensors } from '../model/safetensors';
import { afterStep, CountingStage, freshStage, NAME } from './countingStage.testing';
import { Run } from './run';
import { Surroundings } from './runSurroundings';
import type { SavedState } from './stage';

describe('a run gives the page checkpoints', () => {
  let stage: CountingStage;
  let around: Surroundings;
  beforeEach(async () => {
    ({ stage, around } = await freshStage());
  });
  afterEach(() => {
    vi.useRealTimers();
    tf.disposeVariables();
  });

  const start = (saved: SavedState | null = null): Run => new Run(stage, 'run-1', around, saved, false);

  it('with everything needed to go on, their bytes handed over and not copied', async () => {
    await start().over;
    const [file] = around.checkpoints;
    expect(around.checkpoints.length).toBe(1); // within 15 seconds
    expect(file).toMatchObject({ name: 'sft', runId: 'run-1', step: 6, final: true });
    expect(around.transfers).toEqual([[file?.bytes]]);
    const { tensors, metadata } = readSafetensors(file?.bytes as ArrayBuffer);
    expect([...(tensors.get(NAME)?.values ?? [])]).toEqual([6]);
    expect(metadata).toMatchObject({ stage: 'sft', runId: 'run-1', steps: '6', numbers: '{"step":6}' });
    expect(metadata).not.toHaveProperty('seed');
  });

  it('on the way, no oftener than every 15 seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    stage.at = () => {
      vi.advanceTimersByTime(8_000);
    };
    await start().over;
    expect(around.checkpoints.map(({ step, final }) => [step, final])).toEqual([
      [2, false],
      [4, false],
      [6, false],
      [6, true],
    ]);
    const [first] = around.checkpoints;
    expect(readSafetensors(first?.bytes as ArrayBuffer).metadata).toMatchObject({ numbers: '{"step":2}', seed: '1' });
    around.events.length = 0;
    stage = new CountingStage();
    stage.at = () => {
      vi.advanceTimersByTime(4_000);
    };
    await start().over;
    expect(around.checkpoints.map(({ step, final }) => [step, final])).toEqual([
      [4, false],
      [6, true],
    ]);
  });

  it('from which it goes on as if it had never stopped', async () => {
    afterStep(around, 4, () => run.stop());
    const run = start();
    await run.over;
    const { tensors, metadata } = readSafetensors(around.checkpoints.at(-1)?.bytes as ArrayBuffer);
    const numbers = JSON.parse(metadata['numbers'] as string) as Record<string, number>;
    stage = new CountingStage();
    around = new Surroundings();
    expect(await start({ step: 4, weights: tensors, numbers }).over).toBe('done');
    expect(stage.calls[0]).toBe('build 4');
    expect([around.steps, stage.finishedWith]).toEqual([[5, 6], [6]]);
  });
});
