/** How each attribute is asked about and told in Chinese. {s} is the subject, {v} the value, {she} its pronoun. */
import type { AttributeWording } from '../language';
import type { AttributeName } from '../world';

/** Wordings that every attribute has: a question's core, and what it asks for. */
function wording(
  [asked, ...more]: readonly [string, ...string[]],
  clause: string,
  statements: readonly string[],
  next: readonly string[],
  follow: readonly string[],
  claim: string,
  denial: string,
): AttributeWording {
  return {
    questions: { seen: [`${asked}？`, ...more.map((one) => `${one}？`)], heldOut: [`请问，${asked}呢？`] },
    clause,
    statements,
    prose: statements.map((told) => told.replace('{s}', '镇上都知道，{s}')),
    next,
    follow,
    premise: [`为什么${claim}？`, `${claim}，对吗？`],
    denial,
  };
}

export const attributes: Readonly<Record<AttributeName, AttributeWording>> = {
  home: wording(
    ['{s}住在哪里', '{s}的家在哪里', '哪里能找到{s}'],
    '{s}住在哪里',
    ['{s}住{v}。', '{s}的家{v}。'],
    ['{she}住{v}。'],
    ['那{she}住在哪里？', '哪里能找到{her}？'],
    '{s}住{v}',
    '不，{s}不住{v}。',
  ),
  job: wording(
    ['{s}做什么工作', '{s}是做什么的'],
    '{s}做什么工作',
    ['{s}是{v}。', '{s}的工作是{v}。'],
    ['{she}是{v}。'],
    ['那{she}做什么工作？', '{she}是做什么的？'],
    '{s}是{v}',
    '不，{s}不是{v}。',
  ),
  food: wording(
    ['{s}喜欢吃什么', '给{s}做什么吃好'],
    '{s}喜欢吃什么',
    ['{s}喜欢吃{v}。', '可以给{s}做{v}。'],
    ['{she}喜欢吃{v}。'],
    ['那{she}喜欢吃什么？', '给{her}做什么吃好？'],
    '{s}喜欢吃{v}',
    '不，{s}不喜欢{v}。',
  ),
  boat: wording(
    ['{s}的船是什么颜色', '{s}的船是什么样子'],
    '{s}的船是什么颜色',
    ['{s}的船是{v}的。', '{s}有一条{v}的船。'],
    ['{she}有一条{v}的船。'],
    ['那船是什么颜色？', '船是什么样子？'],
    '{s}的船是{v}的',
    '不，不是{v}的。',
  ),
  friend: wording(
    ['{s}最好的朋友是谁', '{s}最喜欢谁'],
    '{s}最好的朋友是谁',
    ['{s}最好的朋友是{v}。', '{s}最喜欢{v}。'],
    ['{she}最喜欢{v}。'],
    ['那{she}最好的朋友是谁？', '{she}最喜欢谁？'],
    '{s}最喜欢{v}',
    '不，不是{v}。',
  ),
  sells: wording(
    ['{s}卖什么', '在{s}能买到什么'],
    '{s}卖什么',
    ['{s}卖{v}。', '在{s}能买到{v}。'],
    ['那里卖{v}。'],
    ['那里卖什么？', '那里能买到什么？'],
    '{s}卖{v}',
    '不，{s}不卖{v}。',
  ),
  helper: wording(
    ['谁在{s}帮忙', '在{s}能见到谁'],
    '谁在{s}帮忙',
    ['{v}在{s}帮忙。', '在{s}能见到{v}。'],
    ['{v}在那里帮忙。'],
    ['谁在那里帮忙？', '在那里能见到谁？'],
    '{v}在{s}帮忙',
    '不，{v}不在那里。',
  ),
  door: wording(
    ['{s}的门是什么颜色', '{s}的门是什么样子'],
    '{s}的门是什么颜色',
    ['{s}的门是{v}的。', '{s}有一扇{v}的门。'],
    ['门是{v}的。'],
    ['那门是什么颜色？', '门是什么样子？'],
    '{s}的门是{v}的',
    '不，不是{v}的。',
  ),
  animal: wording(
    ['{s}是什么动物', '{s}是什么'],
    '{s}是什么动物',
    ['{s}是{v}。'],
    ['它是{v}。'],
    ['那它是什么动物？', '它是什么？'],
    '{s}是{v}',
    '不，{s}不是{v}。',
  ),
  owner: wording(
    ['{s}是谁家的', '{s}的主人是谁'],
    '{s}的主人是谁',
    ['{s}的主人是{v}。', '{s}是{v}家的。'],
    ['它是{v}家的。'],
    ['那它的主人是谁？', '它是谁家的？'],
    '{s}是{v}家的',
    '不，不是{v}家的。',
  ),
  coat: wording(
    ['{s}是什么颜色', '{s}是什么样子'],
    '{s}是什么颜色',
    ['{s}是{v}的。', '{s}的毛是{v}的。'],
    ['它是{v}的。'],
    ['那它是什么颜色？', '它是什么样子？'],
    '{s}是{v}的',
    '不，{s}不是{v}的。',
  ),
  weather: wording(
    ['{s}天气怎么样', '{s}是什么天气'],
    '{s}天气怎么样',
    ['{s}的天气是{v}。', '{s}总是{v}。'],
    ['天气是{v}。'],
    ['那天气怎么样？', '那天是什么天气？'],
    '{s}总是{v}',
    '不，那天不是{v}。',
  ),
  event: wording(
    ['{s}镇上有什么', '{s}能看到什么'],
    '{s}镇上有什么',
    ['{s}有{v}。', '{s}能看到{v}。'],
    ['有{v}。'],
    ['那天镇上有什么？', '那天能看到什么？'],
    '{s}有{v}',
    '不，那天没有{v}。',
  ),
  skipper: wording(['谁开{s}'], '谁开{s}', ['{v}开{s}。'], ['{v}开它。'], ['谁开它？'], '{v}开{s}', '不，不是{v}。'),
  hull: wording(
    ['{s}是什么颜色'],
    '{s}是什么颜色',
    ['{s}是{v}的。'],
    ['它是{v}的。'],
    ['什么颜色？'],
    '{s}是{v}的',
    '不，不是{v}的。',
  ),
  cargo: wording(['{s}运什么'], '{s}运什么', ['{s}运{v}。'], ['它运{v}。'], ['运什么？'], '{s}运{v}', '不，不运{v}。'),
};

export const askingFrames = {
  seen: ['你知道{c}吗？', '请告诉我{c}。', '能告诉我{c}吗？', '喂，{c}？', '我忘了{c}。'],
  heldOut: ['我想知道{c}。', '快说，{c}！'],
};

export const affirmation = '是的，没错。{r}';

export const premiseFrames = { seen: ['{x}', '问一下，{x}'], heldOut: ['听说是这样。{x}'] };
