/** The stage that a command asks for. */
import type { PpoSettings } from '../../config';
import type { StartRequest } from '../protocol';
import type { Stage } from '../stage';
import type { Workshop } from '../workshop';
import { PpoStage } from './ppoStage';
import { PreferenceStage } from './preferenceStage';
import { PretrainStage } from './pretrainStage';
import { RewardModelStage } from './rewardModelStage';
import { SamplingStage } from './samplingStage';
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
