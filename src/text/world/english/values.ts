/** What can be true of someone or something. The core's lists are short, the town's come on top. */
import type { ValueLists } from '../language';
import type { Value } from '../world';

/** Each word by itself. */
const words = (list: string): Value[] => list.split(' ').map((key) => ({ key, phrase: key }));

/** Each word after its article. */
const articled = (list: string): Value[] =>
  list.split(' ').map((key) => ({ key, phrase: `${/^[aeiou]/.test(key) ? 'an' : 'a'} ${key}` }));

/** Phrases that are told apart by their last word. */
const phrases = (list: string): Value[] =>
  list.split(', ').map((phrase) => ({ key: phrase.slice(phrase.lastIndexOf(' ') + 1), phrase }));

const COLOURS = words('red blue green yellow white black brown grey');

export const values: ValueLists = {
  home: {
    core: phrases(
      'in the old mill, in the tower, by the pier, on the hill, on the farm, at the inn, by the lake, in the cave, ' +
        'by the bridge, in the wood, on the island, by the gate',
    ),
    town: phrases(
      'by the well, in the lane, on the quay, by the chapel, on the square, on the cliff, by the river, ' +
        'at the school, on the beach, in the fort, near the dunes, over the bakery, at the lighthouse, ' +
        'in the orchard, by the ferry, behind the church',
    ),
  },
  job: {
    core: articled('baker sailor teacher doctor painter fisher cook singer farmer diver potter builder'),
    town: articled(
      'tailor smith nurse miller gardener postman weaver barber shepherd pilot clerk dancer carpenter judge porter ' +
        'actor writer dentist mason artist',
    ),
  },
  food: {
    core: words('bread soup fish cake plums pears cheese jam rice honey nuts beans'),
    town: words('eggs pie toast salad corn grapes porridge onions waffles cherries noodles carrots pancakes mussels'),
  },
  boat: { core: COLOURS, town: [] },
  friend: 'people',
  sells: {
    core: words('tea hats boots books rope lamps toys maps pots kites'),
    town: words('clocks coats candles flowers paint soap nails baskets'),
  },
  helper: 'people',
  door: { core: COLOURS, town: words('pink orange') },
  animal: { core: articled('cat dog goat hen duck pony'), town: articled('donkey parrot rabbit turtle goose') },
  owner: 'people',
  coat: { core: words('white black brown grey red yellow'), town: words('spotted striped') },
  weather: { core: words('sunny windy rainy foggy stormy cloudy warm'), town: [] },
  event: { core: articled('market dance race fair feast play parade'), town: [] },
  skipper: 'people',
  hull: { core: COLOURS, town: words('pink orange') },
  cargo: { core: words('salt sand coal wood apples wool ice stone'), town: [] },
};
