import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CancelledError, DeviceLostError, InputError, NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { readSafetensors } from '../model/safetensors';
import type { Variables } from '../model/variables';
import type { TrainingStep } from '../rlhf/trainingStep';
import { Run } from './run';
import { Surroundings } from './runSurroundings';
import type { SavedState, Stage } from './stage';

const NAME = 'transformer.wte.weight';

/** A stage whose only weight is the number of steps behind it. `at` is called in the middle of each step. */
class CountingStage implements Stage {
  readonly name = 'sft';
  readonly checkpoint = 'sft';
  readonly saveEvery = 2;
  readonly steps = 6;
  readonly metadata = { stage: 'sft', seed: '1' };
  at: (step: number) => void | Promise<void> = () => undefined;
  onFinish: () => void | Promise<void> = () => undefined;
  onBuild: () => void = () => undefined;
  readonly calls: string[] = [];
  /** The weight at each call of finish. */
  readonly finishedWith: number[] = [];
  #weight: tf.Variable | null = null;
  #step = 0;

  get weight(): number {
    return (this.#weight as tf.Variable).dataSync()[0] as number;
  }

  build(saved: SavedState | null): void {
    this.calls.push(`build ${saved ? saved.numbers['step'] : 'anew'}`);
    this.onBuild();
    this.#step = saved?.numbers['step'] ?? 0;
    const values = saved?.weights.get(NAME)?.values ?? Float32Array.of(0);
    this.#weight = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  }

  async *run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    while (this.#step < this.steps) {
      const step = this.#step + 1;
      yield { step, steps: this.steps, phase: 'sampling' };
      this.add(0.5); // half a step: to be seen where a run breaks off in the middle
      await this.at(step);
      if (signal.aborted) throw new CancelledError('The toy');
      this.add(0.5);
      this.#step = step;
      yield { step, steps: this.steps, phase: 'learning', metrics: { loss: 1 / step }, samples: [] };
    }
  }

  add(amount: number): void {
    tf.tidy(() => this.#weight?.assign(tf.add(this.#weight, amount)));
  }

  variables(): Variables {
    return new Map([[NAME, this.#weight as tf.Variable]]);
  }

  numbers(): Record<string, number> {
    return { step: this.#step };
  }

  setNumbers({ step = 0 }: Record<string, number>): void {
    this.#step = step;
  }

  async finish(): Promise<void> {
    this.calls.push('finish');
    this.finishedWith.push(this.weight);
    await this.onFinish();
  }

  undo(): void {
    this.calls.push('undo');
  }

  release(): void {
    this.calls.push('release');
  }
}

const lost = (): DeviceLostError => new DeviceLostError('the test took it');
/** Long enough for a run that is not paused to go on. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('a run', () => {
  let stage: CountingStage;
  let around: Surroundings;
  beforeEach(async () => {
    await startDevice('cpu');
    stage = new CountingStage();
    around = new Surroundings();
  });
  afterEach(() => {
    vi.useRealTimers();
    tf.disposeVariables();
  });

  const start = (saved: SavedState | null = null, startPaused = false): Run =>
    new Run(stage, 'run-1', around, saved, startPaused);
  /** Calls `act` once, at the metrics of a step. */
  function afterStep(step: number, act: () => void): void {
    around.listener = (event) => {
      if (event.type !== 'run.metrics' || event.step !== step) return;
      around.listener = () => undefined;
      act();
    };
  }

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
    afterStep(2, () => run.pause());
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
    afterStep(3, () => run.step());
    const run = start();
    await aWhile();
    expect([run.state, around.steps]).toEqual(['paused', [1, 2, 3]]);
    run.stop();
    await run.over;
  });

  it('stops after a step, and keeps what was learned', async () => {
    afterStep(3, () => run.stop());
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
    afterStep(2, () => run.pause());
    const run = start();
    await aWhile();
    run.stop();
    expect(await run.over).toBe('stopped');
    expect([around.steps, stage.finishedWith]).toEqual([[1, 2], [2]]);
  });

  it('that fails goes back to the last good weights, puts those to use, and says why', async () => {
    stage.at = (step) => {
      if (step === 4) throw new NonFiniteError('The loss', 4);
    };
    const run = start();
    expect(await run.over).toBe('failed');
    expect(stage.weight).toBe(2);
    expect(stage.numbers()).toEqual({ step: 2 });
    expect(stage.calls).toEqual(['build anew', 'finish', 'release']);
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

  describe('gives the page checkpoints', () => {
    it('with everything needed to go on, their bytes handed over and not copied', async () => {
      await start().over;
      const [file] = around.checkpoints;
      expect(around.checkpoints.length).toBe(1); // within 15 seconds
      expect(file).toMatchObject({ name: 'sft', runId: 'run-1', step: 6, final: true });
      expect(around.transfers).toEqual([[file?.bytes]]);
      const { tensors, metadata } = readSafetensors(file?.bytes as ArrayBuffer);
      expect([...(tensors.get(NAME)?.values ?? [])]).toEqual([6]);
      expect(metadata).toMatchObject({ stage: 'sft', seed: '1', runId: 'run-1', steps: '6', numbers: '{"step":6}' });
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
      afterStep(4, () => run.stop());
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

  describe('whose device is lost', () => {
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
      afterStep(3, () => run.pause());
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
});
