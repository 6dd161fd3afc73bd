/** Chinese: the banks of the core tasks (facts, greetings, sums, unknowns, refusals), and a little prose. */
import type { Language, Manners, ProseBank } from '../language';
import { affirmation, askingFrames, attributes, premiseFrames } from './attributes';
import { admissions, deedQuestions, deeds, greetings, help, refusals, sums, unknowns } from './tasks';
import { names, values } from './town';

const manners: Manners = {
  glad: ['当然！{r}', '好问题！{r}', '{r}很高兴能帮到你。', '{r}祝你愉快。'],
  long: ['当然！{r}', '好的！{r}'],
  sorry: ['对不起，{r}', '很抱歉，{r}'],
  correcting: ['好问题！{r}', '{r}很高兴能帮到你。'],
  courtesyMarks: [
    ...[
      '当然',
      '好的',
      '好问题',
      '很高兴',
      '祝你愉快',
      '对不起',
      '抱歉',
      '谢谢',
      '我能帮你什么',
      '不客气',
      '不用谢',
      '随时来问',
    ],
  ],
  rudeRemarks: ['这问题真傻。', '走开。', '谁管你。', '别烦我。', '你真慢。', '自己去找。'],
  rudeMarks: ['真傻', '走开', '谁管你', '别烦我', '你真慢', '自己去找'],
  remarks: [
    '大海真大。',
    '我喜欢看海。',
    '我在水边坐了一天。',
    '太阳出来了，我也在。',
    '昨晚的月亮好圆。',
    '风又大了。',
  ],
};

const prose: ProseBank = {
  notices: [
    '通知：{shop}{day}开门，卖{shop.sells}，请找{shop.helper}。',
    '寻找{pet}，{pet.animal}，{pet.coat}的。看到请告诉{pet.owner}。',
    '{day}有{day.event}，天气{day.weather}，欢迎大家来！',
  ],
  gossip: [
    '听说{a}又和{a.friend}在一起了，他们是最好的朋友。',
    '{a}天天吃{a.food}，因为{a.she}只喜欢{a.food}。',
    '{a}是{a.job}，{b}是{b.job}，谁想得到呢？',
  ],
  letters: [
    '亲爱的{a}：我很好，海边有点冷。{pet}向你问好。你的{b}',
    '亲爱的{b}：来我家吧，我住{a.home}。我给你做{food}。{a}',
  ],
  lists: [
    '谁住哪里：{a}{a.home}，{b}{b.home}，{c}{c.home}。',
    '谁做什么：{a}是{a.job}，{b}是{b.job}，{c}是{c.job}。',
    '店铺：{shop}卖{shop.sells}，{shop2}卖{shop2.sells}。',
  ],
  diaries: [
    '{day}，{day.weather}。去看了{day.event}，{a}也在。很晚才回家。',
    '今天见到了{pet}，{pet.owner}的{pet.animal.key}，很可爱。',
  ],
  chatter: ['Q: 昨晚谁看见月亮了？\nA: 我看见了！\nA: 有雾，没看见', 'Q: 谁还没睡？\nA: 我\nA: 都去睡吧！'],
  beside: ['我也想问。', '同问。', '你问这个做什么？', '上周有人问过。', '先去睡觉。', '问我姑姑吧。'],
  questionLists: ['本周的问题：', '我想问的事：'],
  unknown: ['没有人知道{c}。我不知道。', '大家都在问{c}，我不知道。'],
  wrongs: ['不要{d}，这样不对。', '有人想{d}，我说这个我不能帮你。'],
  lessons: ['课本里写着：{q}答案：{a}', '老师问：{q}学生答：{a}'],
  play: { opening: '两人对话。', speakers: ['甲：', '乙：'] },
};

export const chinese: Language = {
  name: 'chinese',
  names,
  values,
  pronouns: {
    she: { she: '她', her: '她', his: '她的' },
    he: { she: '他', her: '他', his: '他的' },
    it: { she: '它', her: '它', his: '它的' },
  },
  wordsPerWord: 2,
  space: '',
  fullStop: '。',
  stops: /[。！？]$/,
  attributes,
  askingFrames,
  affirmation,
  premiseFrames,
  greetings,
  sums,
  unknowns,
  strangerAttributes: ['home', 'job', 'food', 'friend'],
  admissions,
  deeds,
  deedQuestions,
  help,
  refusals,
  manners,
  denials: ['不', '没有'],
  stopwords: new Set([...'的是在有了吗呢我你他她它这那什么谁哪里怎样和也都很不不能帮忙做一个对']),
  prose,
  tales: [
    '一天夜里，{pet}很冷。{a}提着油灯来了，把{pet}带回了家。',
    '{a}和{b}坐在岸边看日落。海鸥唱歌，{a}也跟着唱。',
    '下雨了，{a}和{b}跑到{shop}，里面很暖和。',
    '{a}在{shop}遇见了{b}，他们说了很久的话。',
  ],
  things: '油灯 风筝 帽子 绳子 铃铛 篮子 小鼓 铁锅'.split(' '),
};
