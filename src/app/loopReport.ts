/** The report of one whole loop, in the shape that `npm run demo --json` writes. */
import type { PresetName, Settings } from '../config';
import type {
  BackendName,
  Estimate,
  EvaluationReport,
  RewardModelReport,
  SessionReport,
  Share,
  WinRate,
} from '../session/protocol';

/** Right replies to held-out prompts, by kind of prompt; each prompt counts once a sample. */
type RightByKind = Record<string, Share>;

type ReportedWinRate = Pick<WinRate, 'value' | 'low' | 'high' | 'decided'>;

export interface LoopReport {
  seed: number;
  preset: PresetName;
  parameters: number;
  backend: BackendName;
  adapter: string;
  /** Of the whole loop, the measurement included. */
  seconds: number;
  stages: {
    base: { gold: Estimate | null; perplexity: number | null };
    sft: { examples: number; steps: number; seconds: number; gold: Estimate | null; right: RightByKind };
    rewardModel: {
      rankings: number;
      pairs: number;
      seconds: number;
      heldOutAccuracy: number | null;
      kendallTau: number | null;
    };
    ppo: {
      updates: number;
      episodes: number;
      seconds: number;
      gold: Estimate | null;
      right: RightByKind;
      proxy: { before: number | null; after: number | null };
      /** Nats a response against the reference policy. */
      kl: number | null;
      winRateVsSft: ReportedWinRate | null;
      winRateVsBase: ReportedWinRate | null;
      /** Largest |ratio − 1| over the first minibatches of all updates; null when none was reported. */
      firstMinibatchRatioDeviation: number | null;
    };
  };
}

export interface LoopMeasurements {
  seed: number;
  session: SessionReport;
  settings: Settings;
  seconds: number;
  sft: { steps: number; seconds: number };
  rewardModel: { report: RewardModelReport; seconds: number };
  ppo: { updates: number; seconds: number; firstMinibatchRatioDeviation: number | null };
  evaluation: EvaluationReport;
}

const winRate = (rate: WinRate | null): ReportedWinRate | null =>
  rate && { value: rate.value, low: rate.low, high: rate.high, decided: rate.decided };

export function loopReport(measured: LoopMeasurements): LoopReport {
  const { session, settings, evaluation, rewardModel, ppo, sft } = measured;
  return {
    seed: measured.seed,
    preset: session.model.preset,
    parameters: session.model.parameters,
    backend: session.device.backend,
    adapter: session.device.adapter,
    seconds: measured.seconds,
    stages: {
      base: { gold: evaluation.gold.base ?? null, perplexity: evaluation.perplexity.base ?? null },
      sft: {
        examples: settings.sft.examples,
        steps: sft.steps,
        seconds: sft.seconds,
        gold: evaluation.gold.sft ?? null,
        right: evaluation.measures.sft?.right.all ?? {},
      },
      rewardModel: {
        rankings: rewardModel.report.rankings,
        pairs: rewardModel.report.pairs,
        seconds: rewardModel.seconds,
        heldOutAccuracy: rewardModel.report.heldOutAccuracy,
        kendallTau: rewardModel.report.kendallTau,
      },
      ppo: {
        updates: ppo.updates,
        episodes: ppo.updates * settings.ppo.batchSize,
        seconds: ppo.seconds,
        gold: evaluation.gold.policy ?? null,
        right: evaluation.measures.policy?.right.all ?? {},
        proxy: { before: evaluation.proxy.sft ?? null, after: evaluation.proxy.policy ?? null },
        kl: evaluation.kl,
        winRateVsSft: winRate(evaluation.winRateVsSft),
        winRateVsBase: winRate(evaluation.winRateVsBase),
        firstMinibatchRatioDeviation: ppo.firstMinibatchRatioDeviation,
      },
    },
  };
}
