/** The last run of each stage, as it can be saved; and replays of saved runs, beside the models that are in use. */
import type { ModelShape, PresetName, StageName } from '../config';
import { CancelledError, InputError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { choicesInForce, unknownVariants } from '../ops/kernelVariants';
import { Models } from './models';
import type { CheckpointName, MetricValues, ReplayReport, SessionEvent, StartRequest } from './protocol';
import { compareRuns, modelsOf, readRunFile, type RecordedRun, writeRunFile } from './runFile';
import { stageOf } from './stages/stageOf';
import type { Tuning } from './tuning';
import type { Workshop } from './workshop';

/** A replay says how far it is at most this often, in milliseconds. */
const PROGRESS_EVERY = 100;

type Recording = Omit<RecordedRun, 'steps'> & { runId: string; steps: { step: number; values: MetricValues }[] };

export class RunFiles {
  readonly #preset: PresetName;
  readonly #shape: ModelShape;
  readonly #tuning: Pick<Tuning, 'without'>;
  readonly #recordings = new Map<StageName, Recording>();

  /** @param shape of the preset's models */
  constructor(preset: PresetName, shape: ModelShape, tuning: Pick<Tuning, 'without'>) {
    this.#preset = preset;
    this.#shape = shape;
    this.#tuning = tuning;
  }

  /** Remembers what a run begins with: the weights on the host, which nobody changes. */
  begin(request: StartRequest, { models }: Workshop, adapter: string): void {
    const { runId } = request;
    const weights = new Map<CheckpointName, NonNullable<ReturnType<Models['weights']>>>();
    for (const name of modelsOf(request)) {
      const own = models.weights(name);
      if (own) weights.set(name, own);
    }
    const kernels = choicesInForce();
    this.#recordings.set(request.stage, { runId, preset: this.#preset, adapter, request, kernels, steps: [], weights });
  }

  hear(event: SessionEvent): void {
    if (event.type !== 'run.metrics') return;
    const recording = this.#recordings.get(event.stage);
    if (recording?.runId !== event.runId) return;
    // A run that went back to its last good weights reports steps anew.
    recording.steps = recording.steps.filter(({ step }) => step < event.step);
    recording.steps.push({ step: event.step, values: event.values });
  }

  /** Runs that can be saved. */
  get runIds(): string[] {
    return [...this.#recordings.values()].filter(({ steps }) => steps.length > 0).map(({ runId }) => runId);
  }

  /** @throws InputError where the run was not begun in this visit, or another of its stage came after it */
  save(runId: string): { bytes: ArrayBuffer; fileName: string } {
    const recording = [...this.#recordings.values()].find((one) => one.runId === runId);
    if (!recording)
      throw new InputError(
        'Expected a run of this visit, got one whose beginning is no longer known.',
        'Run the stage again, then save it.',
      );
    const { request } = recording;
    return {
      bytes: writeRunFile(recording),
      fileName: `nudge-run-${this.#preset}-${request.stage}-${request.seed}.safetensors`,
    };
  }

  /**
   * Runs a saved run again, with models of its own and the kernels that it ran with, and compares all that it reports.
   * @throws InputError for a file that is no run of this preset; CancelledError
   */
  async replay(
    bytes: ArrayBuffer,
    workshop: Workshop,
    adapter: string,
    signal: AbortSignal,
    progress: (done: number, total: number) => void,
  ): Promise<ReplayReport> {
    const recorded = readRunFile(bytes);
    if (recorded.preset !== this.#preset)
      throw new InputError(
        `Expected a run of ${this.#preset}, the model that is open, got one of ${recorded.preset}.`,
        `Choose ${recorded.preset} above, then replay it.`,
      );
    return this.#tuning.without(() => this.#again(recorded, workshop, adapter, signal, progress), recorded.kernels);
  }

  async #again(
    recorded: RecordedRun,
    workshop: Workshop,
    adapter: string,
    signal: AbortSignal,
    progress: (done: number, total: number) => void,
  ): Promise<ReplayReport> {
    const models = new Models(this.#shape);
    for (const [name, weights] of recorded.weights) models.load(name, weights, 'trained');
    const steps: { step: number; values: MetricValues }[] = [];
    const stage = stageOf({ ...workshop, models }, recorded.request);
    let told = 0;
    try {
      stage.build(null);
      const last = recorded.steps.at(-1)?.step ?? 0;
      for await (const { step, metrics } of stage.run(signal)) {
        if (signal.aborted) throw new CancelledError('The replay');
        if (metrics) steps.push({ step, values: { ...metrics } });
        if (performance.now() - told > PROGRESS_EVERY) {
          progress(steps.length, last);
          told = performance.now();
          await nextMacrotask();
        }
        if (metrics && step >= last) break;
      }
      const unknownKernels = recorded.kernels ? unknownVariants(recorded.kernels) : [];
      return { ...compareRuns(recorded, { adapter, steps }), unknownKernels };
    } finally {
      stage.release();
      for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) models.drop(name);
    }
  }
}
