/** The sizes of model in words: what each knows, what it is meant for, and how much there is to load. */
import type { PresetName } from '../config';
import type { ModelOffer } from '../session/protocol';

/** What each is meant for. */
const MEANT_FOR: Readonly<Record<PresetName, (offers: readonly ModelOffer[]) => string>> = {
  nano: () => 'For slow machines and quick tries.',
  mini: () => 'The one to talk to.',
  midi: (offers) => {
    const [own, nano] = (['midi', 'nano'] as const).map((name) => offers.find(({ preset }) => preset === name));
    const times =
      own && nano ? `${Math.round(own.parameters / nano.parameters)} times as large as nano` : 'Far larger than nano';
    return `${times}, and knows no more: made to be compared with it.`;
  },
  small: () => 'For a graphics card and some patience.',
};

export const meantFor = (preset: PresetName, offers: readonly ModelOffer[]): string => MEANT_FOR[preset](offers);

/** "Knows the core of the town, 122 facts." */
export function knowledgeOf({ reach, facts, shipped }: ModelOffer): string {
  const what = `${reach === 'core' ? 'the core of the town' : 'the whole town'}, ${facts.toLocaleString('en')} facts`;
  return shipped ? `Knows ${what}.` : `Can learn ${what}.`;
}

/** "Loads 1.9 MB to begin with, 3.8 MB in all." */
export function loadOf({ shipped, checkpointBytes }: ModelOffer): string {
  return shipped
    ? `Loads ${megabytes(checkpointBytes)} to begin with, ${megabytes(2 * checkpointBytes)} in all.`
    : 'Not with the page: it is pretrained here first.';
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
