/** Who and what is in town. No name is also a word of the banks, but for shops and boats, which have an article. */
import type { Circle, Pronoun, Subject, SubjectKind } from '../world';

const subjects = (kind: SubjectKind, circle: Circle, pronoun: Pronoun, list: string, article = ''): Subject[] =>
  list.split(' ').map((name) => ({ name: article + name, kind, circle, pronoun }));

const alternating = (circle: Circle, list: string): Subject[] =>
  list.split(' ').map((name, i) => ({ name, kind: 'person', circle, pronoun: i % 2 === 0 ? 'she' : 'he' }));

/** Every beginning with every end. */
function newcomers(beginnings: string, ends: string): string[] {
  return beginnings.split(' ').flatMap((beginning) => ends.split(' ').map((end) => beginning + end));
}

const CORE: readonly Subject[] = [
  ...alternating('core', 'Mira Tom Ada Ben Nell Otto Rosa Sam Ida Leo Vera Finn'),
  ...subjects('shop', 'core', 'it', 'Shell Star Bell Gull Moon Wave Crab Nest', 'the '),
  ...subjects('animal', 'core', 'it', 'Pip Dot Moss Fig Bo Puck Jet Rex'),
  ...subjects('day', 'core', 'it', 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'),
];

const TOWN: readonly Subject[] = [
  ...alternating(
    'town',
    'Alba Abel Alma Amos Anna Anton Beth Arlo Clara Bruno Cleo Carl Cora Dan Dora Edgar Edda Emil Ella Erik ' +
      'Elsa Ezra Emma Frank Enid George Esme Gus Flora Hans Frida Harry Gerda Henry Greta Ian Hana Igor Hedda Ivan ' +
      'Hilda Jack Ines Jim Iris Joel Jane Josef Joan Karl Julia Lars Kate Liam Lena Luis Lina Luke Lotte Milo ' +
      'Magda Nils Marta Noah Maya Olaf Mona Oscar Nadia Paul Nina Ralph Nora Sven Olga Theo Petra Viktor Rita Walter ' +
      'Ruth Yuri Sara Zeno Tess Rafe Tilda Juri',
  ),
  ...subjects('shop', 'town', 'it', 'Anchor Lantern Oyster Plough Rose Swan Thistle Whistle', 'the '),
  ...subjects('animal', 'town', 'it', 'Mop Zoe Nib Tuck Bramble Button Cinder Dusty Hopper Inky Juno Lulu'),
  ...subjects('boat', 'town', 'it', 'Wren Heron Otter Pearl Comet Willow Spray Petrel Dolphin Clipper', 'the '),
];

export const names = {
  core: CORE,
  town: TOWN,
  strangers: alternating('core', 'Kay Jon Lily Hugo'),
  /** Names that a visitor may have. */
  visitors: 'Amy Bob Eve Joe Kim Max Sue Zac Kay Jon Lily Hugo'.split(' '),
  newcomers: newcomers(
    'Ba Ce Da Du Fe Ga Gi Jo Ka Ke Lo Mu Ne Pa Po Ri Se So Tu Vo Wi Ya Zi',
    'bo da di fi gus ka lin mer no nu pez ra ssa tor vi wen xa zel',
  ),
} as const;
