import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../errors';
import { afterStep, aWhile, type CountingStage, freshStage, lost } from './countingStage.testing';
import { Run } from './run';
import type { Surroundings } from './runSurroundings';

describe('a run whose device is lost', () => {
  let stage: CountingStage;
  let around: Surroundings;
  beforeEach(async () => {
    ({ stage, around } = await freshStage());
  });
  afterEach(tf.disposeVariables);

  const start = (): Run => new Run(stage, 'run-1', around, null, false);

  it('goes on from the last good weights on a new one', async () => {
    stage.at = async (step) => {
      if (step !== 4 || around.recoveries > 0) return;
      around.lose(lost());
      await new Promise(() => undefined); // a lost device may never answer
    };
    const run = start();
    expect(await run.over).toBe('done');
    expect(around.recoveries).toBe(1);
    expect(stage.calls).toEqual(['build anew', 'build 2', 'finish', 'release']);
    expect(around.steps).toEqual([1, 2, 3, 3, 4, 5, 6]);
    expect(stage.finishedWith).toEqual([6]);
    expect(around.states).toEqual(['running', 'done']);
  });

  it('knows the loss in whatever words the device fails first', async () => {
    stage.at = (step) => {
      if (step !== 3 || around.recoveries > 0) return;
      setTimeout(() => around.lose(lost()), 40);
      throw new Error('Buffer was unmapped before mapping was resolved');
    };
    expect(await start().over).toBe('done');
    expect(around.recoveries).toBe(1);
  });

  it('takes no other error for a loss', async () => {
    stage.at = (step) => {
      if (step === 3) throw new TypeError('x is not a function');
    };
    expect(await start().over).toBe('failed');
    expect(around.recoveries).toBe(0);
    expect(around.events.at(-1)).toMatchObject({ error: { name: 'TypeError', message: 'x is not a function' } });
  });

  it('while its work is put to use, does that again on the new one', async () => {
    stage.onFinish = async () => {
      if (around.recoveries > 0) return;
      around.lose(lost());
      await new Promise(() => undefined);
    };
    expect(await start().over).toBe('done');
    expect(stage.calls).toEqual(['build anew', 'finish', 'build 6', 'finish', 'release']);
    expect(stage.finishedWith).toEqual([6, 6]);
  });

  it('before the first weights were saved begins anew', async () => {
    around.lose(lost());
    expect(await start().over).toBe('done');
    expect(stage.calls).toEqual(['build anew', 'build anew', 'finish', 'release']);
    expect(stage.finishedWith).toEqual([6]);
  });

  it('stays paused if it was paused, and goes on when it is resumed', async () => {
    afterStep(around, 3, () => run.pause());
    const run = start();
    await aWhile();
    around.lose(lost());
    await aWhile();
    expect(run.state).toBe('paused');
    run.resume();
    expect(await run.over).toBe('done');
    expect(stage.finishedWith).toEqual([6]);
  });

  it('again and again gives up after five times', async () => {
    stage.at = async () => {
      around.lose(lost());
      await new Promise(() => undefined);
    };
    expect(await start().over).toBe('failed');
    expect(around.recoveries).toBe(5);
    expect(around.events.at(-1)).toMatchObject({ error: { code: 'device-lost' } });
  });

  it('and does not come back fails and says so', async () => {
    stage.at = async () => {
      around.lose(lost());
      await new Promise(() => undefined);
    };
    around.recoverWith = () => {
      throw new InputError('No GPU.', 'Reload the page.');
    };
    expect(await start().over).toBe('failed');
    expect(around.events.at(-1)).toMatchObject({ error: { message: 'No GPU.' } });
  });
});
