/** The stage that a command asks for, or that an interrupted run's checkpoint belongs to. */
import type { PpoSettings, PretrainSettings } from '../../config';
import { readSafetensors } from '../../model/safetensors';
import type { CheckpointFile, OwnReward, StartRequest } from '../protocol';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';
import { PpoStage } from './ppoStage';
import { PreferenceStage } from './preferenceStage';
import { PretrainStage } from './pretrainStage';
import { RewardModelStage } from './rewardModelStage';
import { SamplingStage, type SamplingRequest } from './samplingStage';
import { SftStage } from './sftStage';

type PolicyRequest = Extract<StartRequest, { stage: 'ppo' }>;

/** What holds the leash. Methods beside PPO had it from PPO's settings in earlier versions, and their runs have it there. */
type Leash = Pick<PpoSettings, 'adaptiveKl' | 'klTarget' | 'klHorizon'>;

/** @throws InputError where there is nothing to learn from */
export function stageOf(workshop: Workshop, request: StartRequest): Stage {
  const { seed } = request;
  switch (request.stage) {
    case 'pretrain':
      return new PretrainStage(workshop, request.settings, seed);
    case 'sft':
      return new SftStage(workshop, request.settings, request.demonstrations, seed);
    case 'rewardModel':
      return new RewardModelStage(workshop, request.settings, request.rankings, request.heldOut, seed);
    case 'ppo':
      return policyStage(workshop, request);
  }
}

/** The stage of the method that is asked for; PPO unless told otherwise. */
function policyStage(
  workshop: Workshop,
  { seed, settings, method, extraPrompts, continuePolicy, ownReward = null }: PolicyRequest,
): Stage {
  if (method?.family === 'preferences')
    return new PreferenceStage(
      workshop,
      { method: method.name, settings: method.settings, rankings: method.rankings, continuePolicy },
      seed,
    );
  if (method) {
    const { adaptiveKl, klTarget, klHorizon } = settings;
    const leash: Leash = { adaptiveKl, klTarget, klHorizon };
    const own = { ...leash, ...method.settings };
    const request = { method: method.name, settings: own, ownPrompts: extraPrompts, continuePolicy, ownReward };
    return new SamplingStage(workshop, request, seed);
  }
  return new PpoStage(workshop, settings, extraPrompts, continuePolicy, seed, ownReward);
}

/** The stage of a run that was cut short, and where it stood. */
export function interruptedStage(
  workshop: Workshop,
  name: 'pretrain' | 'ppo',
  file: CheckpointFile,
): { stage: Stage; saved: SavedState } {
  const { tensors, metadata } = readSafetensors(file.bytes);
  const settings: unknown = JSON.parse(metadata['settings'] ?? '{}');
  const seed = Number(metadata['seed']);
  const method = JSON.parse(metadata['method'] ?? 'null') as (SamplingRequest & { leash?: Leash }) | null;
  const stage = method
    ? new SamplingStage(
        workshop,
        { ...method, settings: { ...method.leash, ...method.settings }, continuePolicy: true },
        seed,
      )
    : name === 'ppo'
      ? new PpoStage(
          workshop,
          settings as PpoSettings,
          JSON.parse(metadata['ownPrompts'] ?? '[]') as string[],
          true,
          seed,
          JSON.parse(metadata['ownReward'] ?? 'null') as OwnReward | null,
        )
      : new PretrainStage(workshop, settings as PretrainSettings, seed);
  const numbers = JSON.parse(metadata['numbers'] ?? '{}') as Record<string, number>;
  return { stage, saved: { step: file.step, weights: tensors, numbers } };
}
