/** Who and what is in the Chinese town, and what can be true of it. It has a core alone. */
import type { ValueLists } from '../language';
import type { Circle, Pronoun, Subject, SubjectKind, Value } from '../world';

const subjects = (kind: SubjectKind, pronoun: Pronoun, list: string): Subject[] =>
  list.split(' ').map((name) => ({ name, kind, circle: 'core', pronoun }));

const people = (circle: Circle, list: string): Subject[] =>
  list.split(' ').map((name, i) => ({ name, kind: 'person', circle, pronoun: i % 2 === 0 ? 'she' : 'he' }));

export const names = {
  core: [
    ...people('core', '小梅 阿强 小兰 大伟 丽娜 老吴 秀英 建国 思思 志明 春花 海生'),
    ...subjects('shop', 'it', '贝壳店 星星店 铃铛店 海鸥店 月亮店 浪花店 螃蟹店 燕窝店'),
    ...subjects('animal', 'it', '皮皮 豆豆 毛毛 果果 波波 闪闪 圆圆 团团'),
    ...subjects('day', 'it', '星期一 星期二 星期三 星期四 星期五 星期六 星期日'),
  ],
  town: [],
  strangers: people('core', '阿珍 国栋 美玲 子轩'),
  visitors: '阿珍 国栋 美玲 子轩 晓雯 立新'.split(' '),
  newcomers: [],
} as const;

const words = (list: string): Value[] => list.split(' ').map((key) => ({ key, phrase: key }));
const after = (before: string, list: string): Value[] =>
  list.split(' ').map((key) => ({ key, phrase: `${before}${key}` }));

const COLOURS = words('红色 蓝色 绿色 黄色 白色 黑色 棕色 灰色');
const none = { core: [], town: [] };

export const values: ValueLists = {
  home: { core: after('在', '磨坊 灯塔 码头 山顶 农场 客栈 湖边 山洞 桥头 树林 小岛 城门'), town: [] },
  job: { core: words('面包师 水手 老师 医生 画家 渔夫 厨师 歌手 农夫 潜水员 陶匠 木匠'), town: [] },
  food: { core: words('面包 鱼汤 烤鱼 蛋糕 李子 梨子 奶酪 果酱 米饭 蜂蜜 坚果 豆子'), town: [] },
  boat: { core: COLOURS, town: [] },
  friend: 'people',
  sells: { core: words('茶叶 帽子 靴子 书本 绳子 油灯 玩具 地图 铁锅 风筝'), town: [] },
  helper: 'people',
  door: { core: COLOURS, town: [] },
  animal: { core: after('一只', '小猫 小狗 山羊 母鸡 鸭子 白鹅'), town: [] },
  owner: 'people',
  coat: { core: words('白色 黑色 棕色 灰色 红色 黄色'), town: [] },
  weather: { core: words('晴天 刮风 下雨 有雾 打雷 多云 暖和'), town: [] },
  event: { core: words('集市 舞会 比赛 庙会 宴席 戏剧 游行'), town: [] },
  skipper: 'people',
  hull: none,
  cargo: none,
};
