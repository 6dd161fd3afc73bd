/**
 * Chooses the kernels of the adapter at hand by measurement, in the background: once nothing has been going on for a
 * while, shape by shape, and no longer once a person or a run wants the device. What earlier visits measured is used at
 * once. A choice changes only while nothing runs, so that a run rounds the same way from its first step to its last.
 */
import { DeviceLostError, toPlainError } from '../errors';
import type { Device } from '../gpu/device';
import {
  chooseVariant,
  forgetChoices,
  kernelsVersion,
  kernelsWithVariants,
  refuseVariant,
} from '../ops/kernelVariants';
import { applyOutcome, type KernelShape, measurableShapes, measure, type Outcome } from '../ops/tuner';
import { causeOf } from './deviceLoss';
import type { DeviceReport, SessionEvent, TuningReport } from './protocol';

/** Milliseconds without any work before measuring begins: longer than the pauses between the steps of a loop. */
const QUIET = 3000;

/** What is asked of the kernels; tests put something else in its place. */
export interface Bench {
  shapes(device: GPUDevice): KernelShape[];
  measure(at: KernelShape, signal: AbortSignal): Promise<Outcome | null>;
}

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
  #gpu: GPUDevice | null = null;
  #lost = new Promise<DeviceLostError>(() => undefined);
  #report: TuningReport = { adapter: '', kernels: '', measuredAt: 0, choices: [], refusals: [] };
  /** Of `measureAgain`: what is in the report and to be measured all the same. */
  readonly #again = new Map<string, KernelShape>();
  /** Shapes of which there is nothing to choose. */
  readonly #settled = new Set<string>();
  #holds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;

  /** @param stored of earlier visits, on this adapter and on others */
  constructor(emit: (event: SessionEvent) => void, stored: readonly TuningReport[], bench = KERNELS) {
    this.#emit = emit;
    this.#stored = stored;
    this.#bench = bench;
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
    const declared = new Set(kernelsWithVariants());
    for (const { kernel, shape, variant } of this.#report.choices) {
      if (declared.has(kernel)) chooseVariant(kernel, shape, variant);
    }
    for (const { kernel, variant } of this.#report.refusals) if (declared.has(kernel)) refuseVariant(kernel, variant);
    if (known) this.#tell();
    this.#waitForQuiet();
  }

  /** Keeps measuring off until the returned function is called; what is being measured now ends at once. */
  hold(): () => void {
    this.#holds += 1;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
      this.#waitForQuiet();
    };
  }

  /** Does `work` while nothing is being measured. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    const end = this.hold();
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

  #waitForQuiet(milliseconds = QUIET): void {
    clearTimeout(this.#timer);
    if (this.#holds > 0 || !this.#gpu) return;
    this.#timer = setTimeout(() => void this.#measureAll(), milliseconds);
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

  async #measureAll(): Promise<void> {
    if (this.#abort) return; // the one that is ending begins anew by itself
    const abort = new AbortController();
    this.#abort = abort;
    const lost = this.#lost;
    try {
      for (let [next] = this.#pending(); next && !abort.signal.aborted; [next] = this.#pending()) {
        const outcome = await this.#bench.measure(next, abort.signal);
        if (!outcome || abort.signal.aborted) break;
        this.#keep(next, outcome);
      }
    } catch (error) {
      const cause = await causeOf(error, lost);
      // A lost device says so itself; what else fails here must not be tried for ever.
      if (!abort.signal.aborted && !(cause instanceof DeviceLostError)) {
        for (const at of this.#pending()) this.#settled.add(keyOf(at));
        this.#again.clear();
        this.#emit({ type: 'error', error: toPlainError(cause) });
      }
    } finally {
      this.#abort = null;
      if (abort.signal.aborted) this.#waitForQuiet();
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
