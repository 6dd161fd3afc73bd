/** One training run as the page follows it: state, progress, columns of metrics, the newest samples. */
import type { Settings, StageName } from '../config';
import type { PlainError } from '../errors';
import type {
  RewardModelReport,
  RunProgress,
  RunState,
  SessionEvent,
  TrainingSample,
  WrittenSample,
} from '../session/protocol';
import type { MethodOfRun, RunRecord } from '../store/schema';
import { MetricHistory } from './metricHistory.svelte';
import { oncePerFrame } from './frames';

/** Samples kept for the page; the run itself has many more. */
const SAMPLES_KEPT = 40;

export interface SampleOfStep extends TrainingSample {
  id: number;
  step: number;
}

export class Run {
  readonly id: string;
  readonly stage: StageName;
  readonly metrics = new MetricHistory();
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** What it was started with; null for a run that only the worker knew. */
  settings: Settings[StageName] | null = null;
  seed = 0;
  /** Of a policy that is not made by PPO: how, and with what. */
  method: MethodOfRun | null = null;

  state = $state<RunState>('running');
  progress = $state.raw<RunProgress | null>(null);
  error = $state.raw<PlainError | null>(null);
  samples = $state.raw<readonly SampleOfStep[]>([]);
  /** All that the model wrote while it was pretrained, oldest first. */
  written = $state.raw<readonly WrittenSample[]>([]);
  report = $state.raw<RewardModelReport | null>(null);
  /** Wall-clock seconds from start to end, once it ended. */
  seconds = $state<number | null>(null);

  /** Begun in this visit, so that the worker knows what it began from. */
  ofThisVisit = true;

  /** Another tab trains it; here it can only be looked at. */
  elsewhere = $state(false);

  readonly live: boolean = $derived(!this.elsewhere && (this.state === 'running' || this.state === 'paused'));
  /** There is a step behind it, so that it may have changed a model. */
  readonly learned: boolean = $derived((this.progress?.step ?? 0) > 0);

  #arrived: SampleOfStep[] = [];
  #latestProgress: RunProgress | null = null;
  #nextSample = 0;
  readonly #flush = oncePerFrame(() => this.#showArrived());

  constructor(id: string, stage: StageName, createdAt = Date.now()) {
    this.id = id;
    this.stage = stage;
    this.createdAt = createdAt;
  }

  /** Stands as a visit stored it. */
  take(record: RunRecord, elsewhere: boolean): void {
    this.ofThisVisit = false;
    this.settings = record.settings;
    this.seed = record.seed;
    this.method = record.method ?? null;
    this.elsewhere = elsewhere;
    // No worker trains it any more, unless another tab's does: it was stopped by the end of its visit.
    const wasLive = record.state === 'running' || record.state === 'paused';
    this.state = wasLive && !elsewhere ? 'stopped' : record.state;
    this.error = record.error;
    this.report = record.rewardModel;
    this.seconds = record.seconds;
    this.progress = { step: record.step, steps: record.steps, phase: '', secondsPerStep: 0, secondsLeft: 0 };
    this.written = record.written ?? [];
    this.samples = record.samples.map((sample, id) => ({ ...sample, id: -1 - id }));
  }

  /** Takes in an event of this run; others are ignored. */
  hear(event: SessionEvent): void {
    if (!('runId' in event) || event.runId !== this.id) return;
    switch (event.type) {
      case 'run.state':
        this.state = event.state;
        this.error = event.error;
        if (!this.live) {
          this.seconds ??= (Date.now() - this.createdAt) / 1000;
          this.#showArrived();
        }
        break;
      case 'run.progress':
        this.#latestProgress = event.progress;
        this.#flush();
        break;
      case 'run.metrics':
        this.metrics.append(event.step, event.values);
        break;
      case 'run.samples':
        for (const sample of event.samples) this.#arrived.push({ ...sample, id: this.#nextSample++, step: event.step });
        this.#arrived = this.#arrived.slice(-SAMPLES_KEPT);
        this.#flush();
        break;
      case 'run.written': {
        // A run that went back to earlier weights writes again.
        const from = event.written[0]?.step ?? 0;
        this.written = [...this.written.filter(({ step }) => step < from), ...event.written];
        break;
      }
      case 'run.rewardModel':
        this.report = event.report;
        break;
    }
  }
  #showArrived(): void {
    this.progress = this.#latestProgress ?? this.progress;
    if (this.#arrived.length === 0) return;
    this.samples = [...this.#arrived.reverse(), ...this.samples].slice(0, SAMPLES_KEPT);
    this.#arrived = [];
  }
}
