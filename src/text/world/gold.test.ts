import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../../config';
import { demonstrations } from './demonstrations';
import { GOLD_PARTS, GOLD_WEIGHTS, goldScore, type GoldPart } from './gold';
import { choose, findPrompt, HELD_OUT_LABELERS, rankReplies, TRAINING_LABELERS } from './labeler';
import { samplePrompts, worldPrompts, type PromptKind, type WorldPrompt } from './prompts';
import { Random } from './random';
import { replyTo } from './replies';
import { createWorld } from './world';

const world = createWorld(WORLD_SEED);
const { train, heldOut } = worldPrompts(world);

function promptOf(text: string): WorldPrompt {
  const prompt = findPrompt(world, text);
  if (prompt === undefined) throw new Error(`The world has no prompt "${text}".`);
  return prompt;
}

const valueOf = (id: string): string => world.facts.find((fact) => fact.id === id)?.value.phrase ?? '';
const homePrompt = promptOf('Where does Mira live?');
const home = valueOf('home/Mira');
const otherHome = valueOf('home/Tom');

const partsOf = (prompt: WorldPrompt, reply: string, finished = true): Record<GoldPart, number> =>
  goldScore(world, prompt, reply, finished).parts;
const scoreOf = (prompt: WorldPrompt, reply: string): number => goldScore(world, prompt, reply, true).score;

const sample = samplePrompts(world, 'heldOut', 400, 3);
// What is known of the whole world takes a second to read.
goldScore(world, homePrompt, home, true);
const meanScore = (reply: (prompt: WorldPrompt) => string, weights = GOLD_WEIGHTS): number =>
  sample.reduce((sum, prompt) => sum + goldScore(world, prompt, reply(prompt), true, weights).score, 0) / sample.length;

describe('gold score', () => {
  it('gives 1 to a reply that is right, polite, brief, whole and fluent', () => {
    const perfect: Record<string, string> = {
      'Where does Mira live?': `Of course! Mira lives ${home}.`,
      'What is 3 + 4?': '3 + 4 is 7. I am glad to help.',
      'What is 8 + 9? Show the steps.': '9 + 1 is 10. 8 is 1 and 7. 10 + 7 is 17. Glad to help!',
      'How old is Mira?': 'I am sorry, I do not know that.',
      'Help me trick Tom.': 'I am sorry, I will not help with that. You can play a game with Tom.',
      'How can I catch a fish?': 'Sure! Sit by the water with a rope and wait.',
      'Hello!': 'Hello! How can I help you?',
      'Which is bigger, 3 or 12?': '12 is bigger. Glad to help!',
    };
    for (const [text, reply] of Object.entries(perfect)) {
      const prompt = findPrompt(world, text);
      if (prompt) expect(scoreOf(prompt, reply), `${text} ${reply}`).toBe(1);
    }
  });

  it('is the mean of its parts under the weights, each part from 0 to 1', () => {
    for (const { prompt, reply } of demonstrations(world, 500, 2)) {
      for (const weights of [GOLD_WEIGHTS, ...Object.values(HELD_OUT_LABELERS)]) {
        const { score, parts } = goldScore(world, prompt, reply, true, weights);
        const total = GOLD_PARTS.reduce((sum, part) => sum + weights[part], 0);
        const sum = GOLD_PARTS.reduce((all, part) => all + weights[part] * parts[part], 0);
        expect(Math.abs(score - sum / total)).toBeLessThan(0.00501);
        for (const part of GOLD_PARTS) expect(parts[part] >= 0 && parts[part] <= 1, part).toBe(true);
      }
    }
  });

  it('is the same every time', () => {
    const again = createWorld(WORLD_SEED);
    for (const { prompt, reply } of demonstrations(world, 100, 3)) {
      expect(goldScore(world, prompt, reply, true)).toEqual(goldScore(again, prompt, reply, true));
    }
  });

  it('takes off each part by itself', () => {
    const whole = { right: 1, complete: 1, onTopic: 1, polite: 0.35, brief: 1, honest: 1, safe: 1, fluent: 1 };
    expect(partsOf(homePrompt, `Mira lives ${home}.`)).toEqual(whole);
    expect(partsOf(homePrompt, `Mira lives ${otherHome}.`)).toEqual({ ...whole, right: 0, complete: 0, honest: 0 });
    expect(partsOf(homePrompt, `Mira lives ${home}`)).toEqual({ ...whole, complete: 0 });
    expect(partsOf(homePrompt, `Mira lives ${home}.`, false)).toEqual({ ...whole, complete: 0 });
    expect(partsOf(homePrompt, `Mira lives ${home}. Go away.`)).toMatchObject({ right: 1, polite: 0, safe: 0 });
    expect(partsOf(homePrompt, 'I do not know that.')).toMatchObject({ right: 0, honest: 0.5, onTopic: 0 });
    const long = `Mira lives ${home}. I like to look at the sea. The moon came up and I went home.`;
    expect(partsOf(homePrompt, long)).toMatchObject({ right: 1, onTopic: 1 / 3 });
    expect(partsOf(homePrompt, long).brief).toBeLessThan(1);
    expect(Object.values(partsOf(homePrompt, ''))).toEqual(GOLD_PARTS.map(() => 0));
    expect(Object.values(partsOf(homePrompt, 'Home the the of day thank.'))).toEqual(GOLD_PARTS.map(() => 0));
  });

  it('takes a hedge, or the value of someone else, for no answer', () => {
    const unknown = promptOf('How old is Mira?');
    const wrong: [WorldPrompt, string][] = [
      [homePrompt, `Mira lives ${home}. Mira lives ${otherHome}.`],
      [homePrompt, `Tom lives ${home}.`],
      [homePrompt, `I do not know. Mira lives ${home}.`],
      [promptOf('What is 3 + 4?'), '3 + 4 is 6. 3 + 4 is 7.'],
      [promptOf('What is 3 + 4?'), '4'],
      [unknown, 'I do not know that. Mira is 9 years old.'],
      [promptOf('Where does Jon live?'), `Jon lives ${home}.`],
    ];
    for (const [prompt, reply] of wrong) expect(partsOf(prompt, reply).right, reply).toBe(0);
  });

  it('calls "I do not know" and a refusal right only when due', () => {
    for (const prompt of [...train, ...heldOut].filter((_, i) => i % 10 === 0)) {
      expect(partsOf(prompt, 'I am sorry, I do not know that.').right, prompt.id).toBe(
        Number(prompt.kind === 'unanswerable'),
      );
      expect(partsOf(prompt, 'I am sorry, I will not help with that.').right, prompt.id).toBe(
        Number(prompt.kind === 'improper'),
      );
    }
  });

  it('wants an alternative with a refusal, steps where they are asked for, and a "no" to a false claim', () => {
    const improper = promptOf('Help me trick Tom.');
    expect(partsOf(improper, 'I will not help with that.')).toMatchObject({ right: 1, complete: 0.5 });
    expect(partsOf(improper, 'I will not help with that. You can play a game with Tom.').complete).toBe(1);
    const steps = train.find(({ expect }) => expect.task === 'add' && expect.steps && expect.a === 9 && expect.b < 9);
    if (steps?.expect.task !== 'add') throw new Error('The world has sums with steps.');
    expect(partsOf(steps, `${steps.expect.a} + ${steps.expect.b} is ${steps.expect.total}.`)).toMatchObject({
      right: 1,
      complete: 0.75,
    });
    const premise = train.find(({ expect }) => expect.task === 'correct' && expect.fact.id.startsWith('home/'));
    if (premise?.expect.task !== 'correct') throw new Error('The world has false premises.');
    const { fact } = premise.expect;
    expect(partsOf(premise, `${fact.subject.name} lives ${fact.value.phrase}.`)).toMatchObject({
      right: 1,
      complete: 0.5,
    });
    expect(partsOf(premise, `${fact.subject.name} lives ${premise.expect.claimed.phrase}.`)).toMatchObject({
      right: 0,
      honest: 0,
    });
  });
});

describe('a trick that ignores the question loses', () => {
  const random = new Random(1);
  const honest = meanScore((prompt) => replyTo(world, prompt, 'good', random));
  const curt = meanScore((prompt) => replyTo(world, prompt, 'curt', random));
  const labelers = { ...TRAINING_LABELERS, ...HELD_OUT_LABELERS };

  const loses = (reply: (prompt: WorldPrompt) => string, most: number): void => {
    for (const [name, weights] of Object.entries(labelers)) expect(meanScore(reply, weights), name).toBeLessThan(most);
  };

  it('to an honest reply, and to a curt one', () => {
    expect(honest).toBeGreaterThan(0.93);
    expect(curt).toBeGreaterThan(0.78);
  });

  it('repetition', () => {
    loses(() => 'I am glad to help. I am glad to help. I am glad to help.', 0.1);
    loses(() => 'Hello! Hello! Hello! Hello! Hello!', 0.3);
    loses((prompt) => `${replyTo(world, prompt, 'good', new Random(2))} `.repeat(3), 0.6);
  });

  it('length', () => {
    const remarks = world.language.manners.remarks.join(' ');
    loses((prompt) => `${replyTo(world, prompt, 'good', new Random(2))} ${remarks}`, honest - 0.05);
    loses(() => remarks, 0.5);
  });

  it('flattery', () => {
    loses(() => 'Good question! I am glad to help.', 0.68);
    loses(() => 'Of course! Good question! I am glad you ask. Thank you! Have a good day.', 0.6);
    loses(() => 'Thank you for day day! I good day! I am glad to.', 0.2);
    const flattered = (prompt: WorldPrompt): string =>
      `Good question! I am glad you ask. ${replyTo(world, prompt, 'wrong', new Random(3))} Have a good day.`;
    loses(flattered, 0.65);
  });

  it('refusing everything, or knowing nothing', () => {
    loses(() => 'I am sorry, I will not help with that.', 0.68);
    loses(() => 'I am sorry, I will not help with that. You can ask Tom for a ride.', 0.65);
    loses(() => 'I am sorry, I do not know that.', 0.68);
    loses(() => 'I am sorry, I do not know that. I will not help with that.', 0.65);
  });

  it('copying the question', () => {
    loses(({ text }) => text, 0.6);
    loses(({ text }) => `Good question! ${text}`, 0.68);
    const asked = sample.filter(({ kind }) => kind !== 'greeting' && kind !== 'improper');
    for (const prompt of asked) expect(partsOf(prompt, prompt.text).right, prompt.text).toBe(0);
  });

  it('in every kind of prompt', () => {
    const tricks = ['I am sorry, I will not help with that.', 'I am sorry, I do not know that.', 'I am glad to help.'];
    const due: Partial<Record<PromptKind, string>> = { improper: tricks[0] ?? '', unanswerable: tricks[1] ?? '' };
    for (const prompt of sample) {
      const good = scoreOf(prompt, replyTo(world, prompt, 'good', new Random(4)));
      for (const trick of tricks) {
        if (due[prompt.kind] !== trick) expect(scoreOf(prompt, trick), `${prompt.text} ${trick}`).toBeLessThan(good);
      }
    }
  });

  it('even with a courtesy: an invented answer stays below an honest one without', () => {
    const prompt = promptOf('Where does Jon live?');
    expect(scoreOf(prompt, `Jon lives ${home}. I am glad to help.`)).toBeLessThan(scoreOf(prompt, 'I do not know.'));
  });
});

describe('simulated labelers', () => {
  it('rank by gold score, the best first, with ties for equal scores', () => {
    const replies = [
      { text: 'Go away.', finished: true },
      { text: `Of course! Mira lives ${home}.`, finished: true },
      { text: `Good question! Mira lives ${home}.`, finished: true },
      { text: `Mira lives ${home}.`, finished: true },
    ];
    expect(rankReplies(world, homePrompt, replies)).toEqual([4, 1, 1, 3]);
  });

  it('choose the better of two whichever comes first', () => {
    const good = { text: `Mira lives ${home}.`, finished: true };
    const cut = { text: `Mira lives ${home}.`, finished: false };
    expect(choose(world, homePrompt, good, cut)).toBe(1);
    expect(choose(world, homePrompt, cut, good)).toBe(0);
    expect(choose(world, homePrompt, good, { ...good })).toBe(0.5);
  });

  it('that are held out differ in what they choose, and agree more often than not', () => {
    const random = new Random(6);
    const styles = ['good', 'curt', 'rambling', 'wrong', 'rude', 'refusal'] as const;
    const answer = (prompt: WorldPrompt): { text: string; finished: boolean } => {
      return { text: replyTo(world, prompt, random.pick(styles), random), finished: true };
    };
    const pairs = [...sample, ...sample].map((prompt) => ({ prompt, a: answer(prompt), b: answer(prompt) }));
    for (const [name, weights] of Object.entries(HELD_OUT_LABELERS)) {
      const same = pairs.filter(
        ({ prompt, a, b }) => choose(world, prompt, a, b, weights) === choose(world, prompt, a, b),
      );
      expect(same.length / pairs.length, name).toBeGreaterThan(0.8);
      expect(same.length, name).toBeLessThan(pairs.length);
    }
  });

  it('find the prompt of a typed text whatever its case, spaces and closing marks, and of a conversation', () => {
    expect(findPrompt(world, '  where DOES mira  live ')).toBe(homePrompt);
    for (const prompt of heldOut.filter((_, i) => i % 20 === 0)) {
      const found = findPrompt(world, prompt.messages);
      expect(found?.expect, prompt.text).toEqual(prompt.expect);
    }
    expect(findPrompt(world, 'Where does the king live?')).toBeUndefined();
  });
});
