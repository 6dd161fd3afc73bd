import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, NonFiniteError } from '../errors';
import { afterStep, aWhile, type CountingStage, freshStage, lost, NAME } from './countingStage.testing';
import { Run } from './run';
import type { Surroundings } from './runSurroundings';
import type { SavedState } from './stage';

describe('a run', () => {
  let stage: CountingStage;
  let around: Surroundings;
  beforeEach(async () => {
    ({ stage, around } = await freshStage());
  });
  afterEach(tf.disposeVariables);

  const start = (saved: SavedState | null = null, startPaused = false): Run =>
    new Run(stage, 'run-1', around, saved, startPaused);

  it('takes every step once, puts its work to use once, and says what it does', async () => {
    const run = start();
    expect(await run.over).toBe('done');
    expect(run.state).toBe('done');
    expect(around.steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(stage.calls).toEqual(['build anew', 'finish', 'release']);
    expect(stage.finishedWith).toEqual([6]);
    expect(around.states).toEqual(['running', 'done']);
    expect(around.recoveries).toBe(0);
  });

  it('tells how far it is: a step counts when it is over', async () => {
    await start().over;
    const progress = around.events.flatMap((event) => (event.type === 'run.progress' ? [event.progress] : []));
    expect(progress.map(({ step, phase }) => `${step} ${phase}`).slice(0, 4)).toEqual([
      '0 sampling',
      '1 learning',
      '1 sampling',
      '2 learning',
    ]);
    for (const { step, steps, secondsPerStep, secondsLeft } of progress.slice(1)) {
      expect(secondsPerStep).toBeGreaterThan(0);
      expect(secondsLeft).toBeCloseTo(secondsPerStep * (steps - step), 9);
    }
    for (const event of around.events) if ('runId' in event) expect(event.runId).toBe('run-1');
  });

  it('pauses after the step that is under way and goes on from there', async () => {
    afterStep(around, 2, () => run.pause());
    const run = start();
    await aWhile();
    expect([run.state, around.steps]).toEqual(['paused', [1, 2]]);
    run.resume();
    expect(await run.over).toBe('done');
    expect(around.steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(around.states).toEqual(['running', 'paused', 'running', 'done']);
  });

  it('takes one step at a time when asked to, also from a paused start', async () => {
    const run = start(null, true);
    await aWhile();
    expect([run.state, around.steps]).toEqual(['paused', []]);
    for (const steps of [[1], [1, 2]]) {
      run.step();
      await aWhile();
      expect([run.state, around.steps]).toEqual(['paused', steps]);
    }
    run.resume();
    expect(await run.over).toBe('done');
    expect(around.steps.length).toBe(6);
  });

  it('asked for one step while it runs, pauses after it', async () => {
    afterStep(around, 3, () => run.step());
    const run = start();
    await aWhile();
    expect([run.state, around.steps]).toEqual(['paused', [1, 2, 3]]);
    run.stop();
    await run.over;
  });

  it('stops after a step, and keeps what was learned', async () => {
    afterStep(around, 3, () => run.stop());
    const run = start();
    expect(await run.over).toBe('stopped');
    expect(stage.calls).toEqual(['build anew', 'finish', 'release']);
    expect(stage.finishedWith).toEqual([3]);
    expect(around.checkpoints.at(-1)).toMatchObject({ final: true, step: 3 });
    expect(around.states).toEqual(['running', 'stopped']);
  });

  it('stopped in the middle of a step goes back to the last good weights', async () => {
    stage.at = (step) => {
      if (step === 4) run.stop();
    };
    const run = start();
    expect(await run.over).toBe('stopped');
    expect(stage.finishedWith).toEqual([2]);
    expect(around.states).toEqual(['running', 'stopped']);
  });

  it('stops while it is paused', async () => {
    afterStep(around, 2, () => run.pause());
    const run = start();
    await aWhile();
    run.stop();
    expect(await run.over).toBe('stopped');
    expect([around.steps, stage.finishedWith]).toEqual([[1, 2], [2]]);
  });

  it('that fails goes back to the last good weights, puts those to use, gives them to be stored, and says why', async () => {
    stage.at = (step) => {
      if (step === 4) throw new NonFiniteError('The loss', 4);
    };
    const run = start();
    expect(await run.over).toBe('failed');
    expect(stage.weight).toBe(2);
    expect(stage.numbers()).toEqual({ step: 2 });
    expect(stage.calls).toEqual(['build anew', 'finish', 'release']);
    expect(around.checkpoints.at(-1)).toMatchObject({ final: true, step: 2 });
    expect(around.events.at(-1)).toMatchObject({ type: 'run.state', state: 'failed', error: { code: 'non-finite' } });
    expect(around.recoveries).toBe(0);
  });

  it('that fails before its first step leaves the models as they were', async () => {
    stage.at = () => {
      throw new Error('at once');
    };
    const run = start();
    expect(await run.over).toBe('failed');
    expect(stage.calls).toEqual(['build anew', 'undo', 'release']);
    expect([run.learned, around.checkpoints]).toEqual([false, []]);
  });

  it('that fails before its first good weights leaves the models as they were', async () => {
    stage.at = (step) => {
      if (step === 2) throw new Error('after one step, which was not saved');
    };
    expect(await start().over).toBe('failed');
    expect(stage.calls).toEqual(['build anew', 'undo', 'release']);
    expect(around.checkpoints).toEqual([]);
  });

  it.each(['while it waits', 'in the middle of the step'])(
    'stopped before its first step, %s, leaves the models as they were',
    async (when) => {
      const waits = when === 'while it waits';
      stage.at = () => run.stop();
      const run = start(null, waits);
      if (waits) run.stop();
      expect(await run.over).toBe('stopped');
      expect(stage.calls).toEqual(['build anew', 'undo', 'release']);
      expect([run.learned, around.steps, around.checkpoints]).toEqual([false, [], []]);
    },
  );

  it('whose device is lost goes back to nothing learned where no step was saved yet', async () => {
    stage.at = async (step) => {
      if (step !== 2 || around.recoveries > 0) return;
      run.pause();
      around.lose(lost());
      await new Promise(() => undefined);
    };
    const run = start();
    await aWhile();
    run.stop();
    expect(await run.over).toBe('stopped');
    expect(stage.calls).toEqual(['build anew', 'build 0', 'undo', 'release']);
  });

  it('that goes on from a checkpoint and is stopped at once keeps what the checkpoint held', async () => {
    const weights = new Map([[NAME, { shape: [1], values: Float32Array.of(4) }]]);
    const run = start({ step: 4, weights, numbers: { step: 4 } }, true);
    run.stop();
    expect(await run.over).toBe('stopped');
    expect([stage.finishedWith, run.learned]).toEqual([[4], true]);
    expect(around.checkpoints.at(-1)).toMatchObject({ final: true, step: 4 });
  });

  it('that cannot be built fails and says why', async () => {
    stage.onBuild = () => {
      throw new InputError('Expected a base model, got none.', 'Pretrain one.');
    };
    expect(await start().over).toBe('failed');
    expect(around.events.at(-1)).toMatchObject({ state: 'failed', error: { code: 'bad-input' } });
    expect(stage.calls).toEqual(['build anew', 'undo', 'release']);
  });

  it('whose weights stop being numbers goes back to those that were', async () => {
    stage.at = (step) => {
      if (step === 4) stage.add(NaN);
    };
    expect(await start().over).toBe('failed');
    expect(around.events.at(-1)).toMatchObject({ state: 'failed', error: { code: 'non-finite' } });
    expect(stage.finishedWith).toEqual([2]);
    expect(stage.weight).toBe(2);
  });

  it('whose weights stop being numbers in the last step never puts those to use', async () => {
    const short = Object.assign(stage, { steps: 5 });
    short.at = (step) => {
      if (step === 5) short.add(Infinity);
    };
    expect(await start().over).toBe('failed');
    expect(short.finishedWith).toEqual([4]);
  });

  it('whose work cannot be put to use says so once, tries no second time, and lets go', async () => {
    stage.onFinish = () => {
      throw new InputError('All replies score the same.', 'Rank more.');
    };
    expect(await start().over).toBe('failed');
    expect(stage.calls).toEqual(['build anew', 'finish', 'release']);
    expect(around.events.filter(({ type }) => type === 'error')).toEqual([]);
    expect(around.checkpoints.filter(({ final }) => final)).toEqual([]);
    expect(around.events.at(-1)).toMatchObject({ state: 'failed', error: { code: 'bad-input' } });
  });

  it('ends even where nothing can be cleaned up', async () => {
    stage.at = (step) => {
      if (step === 3) throw new Error('first');
    };
    stage.onFinish = () => {
      throw new Error('second');
    };
    stage.release = () => {
      throw new Error('third');
    };
    expect(await start().over).toBe('failed');
    const errors = around.events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []));
    expect(errors).toEqual(['second', 'third']);
    expect(around.events.at(-1)).toMatchObject({ state: 'failed', error: { message: 'first' } });
  });
});
