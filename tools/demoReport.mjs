/** The demo's report as a table for people, and whether it is whole. */

const number = (value, digits = 2) => (value === null ? '–' : value.toFixed(digits));
const percent = (value, digits = 1) => (value === null ? '–' : `${(100 * value).toFixed(digits)}%`);
const seconds = (value) => (value < 100 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`);
const gold = (estimate) => (estimate === null ? '–' : `${number(estimate.mean, 3)} ± ${number(1.96 * estimate.se, 3)}`);

/**
 * @param report as the page gives it: `LoopReport` in src/app/loopReport.ts
 * @returns {string} lines for a terminal
 */
export function reportTable({ preset, parameters, seed, backend, adapter, seconds: whole, stages }) {
  const { base, sft, rewardModel, ppo } = stages;
  const learned = `${rewardModel.rankings} rankings, ${rewardModel.pairs} pairs`;
  const rows = [
    ['model', 'gold (95%)', 'time', ''],
    ['base', gold(base.gold), '', `perplexity ${number(base.perplexity)}`],
    ['SFT', gold(sft.gold), seconds(sft.seconds), `${sft.examples} examples, ${sft.steps} steps`],
    ['reward model', '', seconds(rewardModel.seconds), learned],
    ['policy (PPO)', gold(ppo.gold), seconds(ppo.seconds), `${ppo.updates} updates, ${ppo.episodes} episodes`],
  ];
  const proxy = `${number(ppo.proxy.before)} before, ${number(ppo.proxy.after)} after`;
  const deviation = ppo.firstMinibatchRatioDeviation;
  const figures = [
    ['held-out pairs in order', percent(rewardModel.heldOutAccuracy)],
    ["Kendall's tau", number(rewardModel.kendallTau)],
    ["reward model's score", proxy],
    ['win rate against SFT', winRate(ppo.winRateVsSft)],
    ['win rate against base', winRate(ppo.winRateVsBase)],
    ['KL from SFT', `${number(ppo.kl)} nats a reply`],
    ['first ratio off 1 by at most', deviation === null ? '–' : deviation.toExponential(1)],
  ];
  return [
    `${preset}, ${parameters.toLocaleString('en')} parameters, seed ${seed}, on ${backend} (${adapter}), ` +
      `${seconds(whole)} in all`,
    '',
    ...columns(rows),
    '',
    ...columns(figures),
    '',
    ...columns([['right, by kind of prompt', 'SFT', 'policy'], ...rightByKind(sft.right, ppo.right)]),
  ].join('\n');
}

/** Where the policy got worse, and where better. */
function rightByKind(before, after) {
  const share = (right) => (right ? `${percent(right.hits / right.of, 0)} of ${right.of}` : '–');
  return Object.entries(before).map(([kind, right]) => [kind, share(right), share(after[kind])]);
}

function winRate(rate) {
  if (rate === null) return '–';
  return `${percent(rate.value)} (${percent(rate.low)} to ${percent(rate.high)}), ${percent(rate.decided)} of those decided`;
}

function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
}

/**
 * Paths of the report's figures that are not there.
 * @returns {string[]} as `stages.ppo.kl`
 */
export function missingFigures(report, at = '') {
  return Object.entries(report).flatMap(([key, value]) => {
    const name = at === '' ? key : `${at}.${key}`;
    if (value === null) return [name];
    return typeof value === 'object' ? missingFigures(value, name) : [];
  });
}
