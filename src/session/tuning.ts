/**
 * Readies the kernels of the adapter at hand in the background, once nothing has been going on for a while, and no longer
 * once a person or a run wants the device. First the pipelines that training will want are made, which also tells the
 * shapes that it will ask for; then the kernels are chosen by measurement, shape by shape. What earlier visits measured
 * is used at once. A choice changes only while nothing runs, so that a run rounds the same way from its first step to its
 * last.
 */
import { DeviceLostError, toPlainError } from '../errors';
import type { Device } from '../gpu/device';
import { forgetChoices, kernelsVersion, takeChoices, type VariantChoices } from '../ops/kernelVariants';
import { applyOutcome, type KernelShape, measurableShapes, measure, type Outcome } from '../ops/tuner';
import { causeOf } from './deviceLoss';
import type { DeviceReport, SessionEvent, TuningReport } from './protocol';

/** Milliseconds without any work before measuring begins: longer than the pauses between the steps of a loop. */
const QUIET = 3000;
/** And before pipelines are made, which slows others down less: longer than the pauses between the words of a reply. */
const MOMENT = 1000;

/** What is asked of the kernels; tests put something else in its place. */
export interface Bench {
  shapes(device: GPUDevice): KernelShape[];
  measure(at: KernelShape, signal: AbortSignal): Promise<Outcome | null>;
}

/** What is made ahead of its use. */
export interface Preparation {
  /** Whether there is anything to make. */
  pending(): boolean;
  /** Makes it piece by piece, and no more once `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const NOTHING: Preparation = { pending: () => false, run: () => Promise.resolve() };

const KERNELS: Bench = { shapes: measurableShapes, measure };

const keyOf = ({ kernel, shape }: KernelShape): string => `${kernel} ${shape}`;

/** What measurements belong to: another browser version may offer other features of the same adapter. */
export function adapterKey({ adapter, features }: DeviceReport): string {
  return [adapter, ...features].join(', ');
}

export class Tuning {
  readonly #emit: (event: SessionEvent) => void;
  readonly #stored: readonly TuningReport[];
  readonly #bench: Bench;
  readonly #ahead: Preparation;
  #gpu: GPUDevice | null = null;
  #lost = new Promise<DeviceLostError>(() => undefined);
  #report: TuningReport = { adapter: '', kernels: '', measuredAt: 0, choices: [], refusals: [] };
  /** Of `measureAgain`: what is in the report and to be measured all the same. */
  readonly #again = new Map<string, KernelShape>();
  /** Shapes of which there is nothing to choose. */
  readonly #settled = new Set<string>();
  #fixed: VariantChoices | null = null;
  #holds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;

  /** @param stored of earlier visits, on this adapter and on others */
  constructor(
    emit: (event: SessionEvent) => void,
    stored: readonly TuningReport[],
    { bench = KERNELS, ahead = NOTHING }: { bench?: Bench; ahead?: Preparation } = {},
  ) {
    this.#emit = emit;
    this.#stored = stored;
    this.#bench = bench;
    this.#ahead = ahead;
  }

  /** Takes what is known of the device into use. Called again with each new device. */
  begin({ gpu, report, lost }: Device): void {
    this.#abort?.abort();
    this.#gpu = gpu;
    this.#lost = lost;
    this.#settled.clear();
    forgetChoices();
    if (!gpu) return;
    const [adapter, kernels] = [adapterKey(report), kernelsVersion()];
    const known = [this.#report, ...this.#stored].find((one) => one.adapter === adapter && one.kernels === kernels);
    this.#report = known ?? { adapter, kernels, measuredAt: 0, choices: [], refusals: [] };
    takeChoices(this.#fixed ?? this.#measured);
    if (known) this.#tell();
    this.#waitForQuiet();
  }

  get #measured(): VariantChoices {
    return { chosen: this.#report.choices, refused: this.#report.refusals };
  }

  /**
   * Keeps measuring off until the returned function is called; what is being measured now ends at once.
   * @param choices that count until then in place of what was measured, also on a new device; one hold at a time has some
   */
  hold(choices: VariantChoices | null = null): () => void {
    this.#holds += 1;
    if (choices) this.#fix(choices);
    clearTimeout(this.#timer);
    this.#abort?.abort();
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      if (held && choices) this.#fix(null);
      held = false;
      this.#waitForQuiet();
    };
  }

  #fix(choices: VariantChoices | null): void {
    this.#fixed = choices;
    takeChoices(choices ?? this.#measured);
  }

  /** Does `work` while nothing is being measured; `choices` as of `hold`. */
  async without<T>(work: () => Promise<T>, choices: VariantChoices | null = null): Promise<T> {
    const end = this.hold(choices);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** All that was ever measured here, once more. What is chosen stays until it is. */
  measureAgain(): void {
    if (!this.#gpu) return;
    for (const choice of this.#report.choices) this.#again.set(keyOf(choice), choice);
    this.#settled.clear();
    this.#tell();
    this.#waitForQuiet(0);
  }

  #waitForQuiet(milliseconds = this.#ahead.pending() ? MOMENT : QUIET): void {
    clearTimeout(this.#timer);
    if (this.#holds > 0 || !this.#gpu) return;
    this.#timer = setTimeout(() => void this.#work(), milliseconds);
  }

  /** Shapes that have yet to be measured. */
  #pending(): KernelShape[] {
    if (!this.#gpu) return [];
    const measured = new Set(this.#report.choices.map(keyOf));
    const fresh = this.#bench
      .shapes(this.#gpu)
      .filter((at) => !measured.has(keyOf(at)) && !this.#settled.has(keyOf(at)));
    return [...fresh, ...this.#again.values()];
  }

  async #work(): Promise<void> {
    if (this.#abort) return; // the one that is ending begins anew by itself
    const abort = new AbortController();
    this.#abort = abort;
    const lost = this.#lost;
    let failed = false;
    try {
      await (this.#ahead.pending() ? this.#ahead.run(abort.signal) : this.#measureAll(abort.signal));
    } catch (error) {
      const cause = await causeOf(error, lost);
      failed = cause instanceof DeviceLostError; // which says so itself
      if (!abort.signal.aborted && !failed) this.#emit({ type: 'error', error: toPlainError(cause) });
    } finally {
      this.#abort = null;
      if (abort.signal.aborted || (!failed && this.#hasMore)) this.#waitForQuiet();
    }
  }

  get #hasMore(): boolean {
    return this.#ahead.pending() || this.#pending().length > 0;
  }

  async #measureAll(signal: AbortSignal): Promise<void> {
    try {
      for (let [next] = this.#pending(); next && !signal.aborted; [next] = this.#pending()) {
        const outcome = await this.#bench.measure(next, signal);
        if (!outcome || signal.aborted) return;
        this.#keep(next, outcome);
      }
    } catch (error) {
      // What fails must not be tried for ever.
      if (!signal.aborted) {
        for (const at of this.#pending()) this.#settled.add(keyOf(at));
        this.#again.clear();
      }
      throw error;
    }
  }

  #keep(at: KernelShape, outcome: Outcome): void {
    applyOutcome(outcome);
    const key = keyOf(at);
    this.#again.delete(key);
    if (!outcome.choice) this.#settled.add(key);
    const { choices, refusals } = this.#report;
    const isNew = (old: { kernel: string; variant: string }): boolean =>
      !outcome.refusals.some(({ kernel, variant }) => kernel === old.kernel && variant === old.variant);
    this.#report = {
      ...this.#report,
      measuredAt: Date.now(),
      choices: [...choices.filter((choice) => keyOf(choice) !== key), ...(outcome.choice ? [outcome.choice] : [])],
      refusals: [...refusals.filter(isNew), ...outcome.refusals],
    };
    this.#tell();
  }

  #tell(): void {
    if (this.#report.measuredAt === 0) return;
    this.#emit({ type: 'tuning', report: this.#report, left: this.#pending().length });
  }
}
