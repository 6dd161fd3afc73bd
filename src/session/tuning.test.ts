import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Device } from '../gpu/device';
import { choicesInForce, declareVariants, forgetChoices, kernelsVersion } from '../ops/kernelVariants';
import type { KernelShape, Outcome } from '../ops/tuner';
import type { SessionEvent, TuningReport } from './protocol';
import { adapterKey, type Bench, type Preparation, Tuning } from './tuning';

const GPU = {} as GPUDevice;
const KERNEL = 'kernel of the tuning test';
const [A, B] = [
  { name: 'a', quads: false },
  { name: 'b', quads: false },
];
const choose = declareVariants(KERNEL, [A, B]);
const taken = (shape: string): string => choose(GPU, shape, [A, B]).name;
const choice = (shape: string, variant = 'b'): NonNullable<Outcome['choice']> => ({
  ...{ kernel: KERNEL, shape, variant, ms: 1, gflops: 2 },
});

/** Kernels whose variant b always wins, and that answer when they are told. */
class FakeBench implements Bench {
  asked: string[] = [];
  readonly seen: string[];
  #answer: (() => void)[] = [];

  constructor(...seen: string[]) {
    this.seen = seen;
  }

  shapes(): KernelShape[] {
    return this.seen.map((shape) => ({ kernel: KERNEL, shape }));
  }

  measure({ shape }: KernelShape, signal: AbortSignal): Promise<Outcome | null> {
    this.asked.push(shape);
    return new Promise((resolve) => {
      this.#answer.push(() => resolve(signal.aborted ? null : { choice: choice(shape), refusals: [] }));
    });
  }

  /** The measurement that is under way ends. */
  async answer(): Promise<void> {
    this.#answer.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe('tuning', () => {
  let events: SessionEvent[] = [];
  const device: Device = {
    report: { backend: 'webgpu', adapter: 'A GPU', software: false, features: ['subgroups'], fallbackReason: '' },
    gpu: GPU,
    lost: new Promise(() => undefined),
    onError: () => () => undefined,
    destroy: () => undefined,
  };
  const stored = (changes: Partial<TuningReport> = {}): TuningReport => ({
    ...{ adapter: adapterKey(device.report), kernels: kernelsVersion(), measuredAt: 5, choices: [choice('one')] },
    refusals: [],
    ...changes,
  });
  const begin = (bench: Bench, reports: TuningReport[] = []): Tuning => {
    const tuning = new Tuning((event) => events.push(event), reports, { bench });
    tuning.begin(device);
    return tuning;
  };

  beforeEach(() => {
    events = [];
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    forgetChoices();
  });

  it('measures every shape once nothing goes on, tells of each, and is then content', async () => {
    const bench = new FakeBench('one', 'two');
    begin(bench);
    await vi.advanceTimersByTimeAsync(1000);
    expect(bench.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(3000);
    expect([taken('one'), taken('two')]).toEqual(['a', 'a']);
    await bench.answer();
    expect([taken('one'), taken('two')]).toEqual(['b', 'a']);
    await bench.answer();
    expect(events).toMatchObject([
      { type: 'tuning', left: 1, report: { adapter: 'A GPU, subgroups', choices: [choice('one')] } },
      { type: 'tuning', left: 0, report: { choices: [choice('one'), choice('two')], refusals: [] } },
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bench.asked).toEqual(['one', 'two']);
  });

  it('makes pipelines first, sooner, and again for what was chosen; fails there and measures all the same', async () => {
    const bench = new FakeBench('one');
    let [wanted, fails] = [true, false];
    const runs: AbortSignal[] = [];
    const ahead: Preparation = {
      pending: () => wanted,
      run: (signal) => {
        runs.push(signal);
        wanted = false;
        return fails ? Promise.reject(new Error('A stage cannot be rehearsed.')) : Promise.resolve();
      },
    };
    const tuning = new Tuning((event) => events.push(event), [], { bench, ahead });
    tuning.begin(device);
    await vi.advanceTimersByTimeAsync(999);
    expect(runs).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect([runs.length, bench.asked]).toEqual([1, []]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(bench.asked).toEqual(['one']);
    [wanted, fails] = [true, true]; // another kernel was chosen
    await bench.answer();
    await vi.advanceTimersByTimeAsync(1000);
    expect(runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000); // in which a lost device would have said so
    expect(events).toMatchObject([
      { type: 'tuning' },
      { type: 'error', error: { message: 'A stage cannot be rehearsed.' } },
    ]);
    bench.seen.push('two');
    tuning.hold()();
    await vi.advanceTimersByTimeAsync(3000);
    expect([runs.length, bench.asked]).toEqual([2, ['one', 'two']]);
  });

  it('ends at once when something begins, chooses nothing while it lasts, and goes on afterwards', async () => {
    const bench = new FakeBench('one');
    const tuning = begin(bench);
    await vi.advanceTimersByTimeAsync(3000);
    const [run, job] = [tuning.hold(), tuning.hold()];
    await bench.answer();
    expect([events, taken('one')]).toEqual([[], 'a']);
    run();
    run();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(bench.asked).toEqual(['one']);
    job();
    await vi.advanceTimersByTimeAsync(3000);
    expect(bench.asked).toEqual(['one', 'one']);
    await bench.answer();
    expect(taken('one')).toBe('b');
  });

  it('goes by the choices that a run began with until it ends, on a new device as well', () => {
    const tuning = begin(new FakeBench(), [stored()]);
    const began = choicesInForce();
    expect(began.chosen).toEqual([{ kernel: KERNEL, shape: 'one', variant: 'b' }]);
    const chosen = [{ kernel: KERNEL, shape: 'two', variant: 'b' }];
    const end = tuning.hold({ chosen, refused: [] });
    expect([taken('one'), taken('two')]).toEqual(['a', 'b']);
    tuning.begin(device);
    expect([taken('one'), taken('two')]).toEqual(['a', 'b']);
    end();
    expect(choicesInForce()).toEqual(began);
    const refusing = tuning.hold({ chosen, refused: [{ kernel: KERNEL, variant: 'b' }] });
    expect([taken('one'), taken('two')]).toEqual(['a', 'a']);
    refusing();
    expect(taken('one')).toBe('b');
  });

  it('lets work go first, and its error through', async () => {
    const bench = new FakeBench('one');
    const tuning = begin(bench);
    await vi.advanceTimersByTimeAsync(2000);
    const work = tuning.without(() => new Promise((_, fail) => setTimeout(() => fail(new Error('no')), 5000)));
    await Promise.all([expect(work).rejects.toThrow('no'), vi.advanceTimersByTimeAsync(7000)]);
    expect(bench.asked).toEqual([]);
  });

  it('uses at once what was measured in an earlier visit, and measures it no more', async () => {
    const bench = new FakeBench('one');
    begin(bench, [stored({ adapter: 'Another GPU', choices: [choice('one', 'a')] }), stored()]);
    expect(taken('one')).toBe('b');
    expect(events).toEqual([{ type: 'tuning', report: stored(), left: 0 }]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(bench.asked).toEqual([]);
  });

  it.each([{ adapter: 'A GPU, shader-f16, subgroups' }, { kernels: 'of before' }])(
    'uses nothing that was measured with %o',
    (other) => {
      begin(new FakeBench(), [stored(other)]);
      expect([taken('one'), events]).toEqual(['a', []]);
    },
  );

  it('takes a refused variant no more in a later visit', () => {
    const refusal = { kernel: KERNEL, shape: 'two', variant: 'a', difference: 3 };
    begin(new FakeBench(), [stored({ choices: [], refusals: [refusal] })]);
    expect(taken('three')).toBe('b');
  });

  it('measures again when asked, after what is going on, and keeps each choice until it has another', async () => {
    const bench = new FakeBench();
    const tuning = begin(bench, [stored()]);
    const end = tuning.hold();
    tuning.measureAgain();
    expect(events.at(-1)).toMatchObject({ left: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect([bench.asked, taken('one')]).toEqual([[], 'b']);
    end();
    await vi.advanceTimersByTimeAsync(3000);
    await bench.answer();
    expect(bench.asked).toEqual(['one']);
    expect(events.at(-1)).toMatchObject({ left: 0, report: { choices: [choice('one')] } });
  });

  it('tells of a failure once and does not try for ever', async () => {
    const measure = vi.fn(() => Promise.reject(new Error('broken')));
    begin({ shapes: () => [{ kernel: KERNEL, shape: 'one' }], measure });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(measure).toHaveBeenCalledTimes(1);
    expect(events).toMatchObject([{ type: 'error', error: { message: expect.stringContaining('broken') as string } }]);
  });

  it('does nothing without a GPU', async () => {
    const bench = new FakeBench('one');
    const tuning = new Tuning((event) => events.push(event), [stored()], { bench });
    tuning.begin({ ...device, gpu: null });
    tuning.measureAgain();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([bench.asked, events]).toEqual([[], []]);
  });
});
