/** The report of `npm run bench` as tables, for a terminal and for BENCHMARKS.md. */

/**
 * Everything that was measured, as Markdown, which reads well in a terminal too.
 * @param {import('./bench/report').BenchReport} report
 */
export function reportTables(report) {
  const { model, batch, flops, ppoUpdate, matrixProductPeak } = report;
  const sections = [
    `${report.preset}: ${model.layers} layers, ${model.width} wide, ${model.heads} heads, vocabulary ` +
      `${model.vocabulary}, ${grouped(model.parameters)} parameters; batch ${batch.rows} × ${batch.tokens} tokens. ` +
      `Adapter: ${report.adapter}${report.subgroups ? '' : ', subgroups hidden'}.${halfPrecision(report)}`,
    `One training step is ${number(flops.trainStep / 1e9)} GFLOP: ${flops.formula}.`,
  ];
  if (Object.keys(report.trainStep).length > 0) sections.push(trainStepTable(report));
  if (matrixProductPeak && report.trainStep.nudge) {
    const { gflops, size, shareOfTrainStep } = matrixProductPeak;
    sections.push(
      `Best matrix product of ours here: ${number(gflops)} GFLOP/s (${size}²); the whole training step runs at ` +
        `${percent(shareOfTrainStep)} of it.`,
    );
  }
  if (Object.keys(report.decode).length > 0) sections.push(decodeTable(report));
  if (ppoUpdate) {
    sections.push(
      `One PPO update (${ppoUpdate.prompts} prompts, ${ppoUpdate.newTokens} new tokens, ${ppoUpdate.epochs} epochs in ` +
        `minibatches of ${ppoUpdate.minibatch}, policy and value model): ${milliseconds(ppoUpdate.ms)} ms, of which ` +
        `rollout ${milliseconds(ppoUpdate.rolloutMs)}, scoring and training ` +
        `${milliseconds(ppoUpdate.scoreMs + ppoUpdate.trainMs)}.`,
    );
  }
  if (report.kernels.length > 0) sections.push(kernelTable(report));
  for (const series of report.sweep) sections.push(growthTable(series));
  for (const [name, why] of Object.entries(report.failed))
    sections.push(`${name} failed. ${why.split('\n').find(Boolean)}`);
  return sections.join('\n\n');
}

function halfPrecision({ f16, features }) {
  if (!f16.allowed) return '';
  if (f16.ran) return ' Products of ours keep operands in float16.';
  const why = features.includes('shader-f16') ? 'no product took it' : 'the adapter has no shader-f16';
  return ` Float16 was allowed and did not run: ${why}.`;
}

function trainStepTable({ trainStep, ratios }) {
  return table(
    [
      'training step',
      'ms',
      'JavaScript ms',
      'dispatches',
      'passes',
      'submits',
      'bind groups made',
      'buffers made',
      'GFLOP/s',
      'loss, first to last (steps)',
      'time over ours',
    ],
    Object.entries(trainStep).map(([name, step]) => [
      name,
      milliseconds(step.ms),
      milliseconds(step.encodeMs),
      step.dispatches,
      step.passes,
      step.submits,
      step.bindGroupsCreated,
      step.buffersCreated,
      number(step.gflops),
      `${step.loss.first.toFixed(2)} to ${step.loss.last.toFixed(2)} (${step.loss.steps})`,
      times(ratios.trainStep[name]),
    ]),
  );
}

function decodeTable({ decode, ratios, coldStart }) {
  return table(
    ['decoding', '1 prompt, tokens/s', '32 prompts, tokens/s', 'dispatches a token', 'cold start ms', 'time over ours'],
    Object.entries(decode).map(([name, figures]) => [
      name,
      number(figures.tokensPerSecond),
      number(figures.tokensPerSecondBatch32),
      number(figures.dispatchesPerToken),
      coldStart[name] === undefined ? '' : milliseconds(coldStart[name]),
      [ratios.decode[name], ratios.decodeBatch32[name]].map(times).filter(Boolean).join(' and '),
    ]),
  );
}

function kernelTable({ kernels }) {
  return table(
    ['kernel of a training step', 'variant', 'dispatches', 'ms', 'GFLOP/s', 'GB/s', 'share of the best rate'],
    kernels.map(({ name, variant, dispatches, ms, gflops, bytesPerSecond, share }) => [
      name,
      variant,
      dispatches,
      milliseconds(ms),
      gflops === null ? '' : number(gflops),
      number(bytesPerSecond / 1e9),
      percent(share),
    ]),
  );
}

function growthTable({ what, points, exponent, flopsExponent }) {
  const text = table(
    [what, 'ms', 'GFLOP/s'],
    points.map(({ x, ms, gflops }) => [x, milliseconds(ms), number(gflops)]),
  );
  return `${text}\n\nTime grows as ${what}^${exponent.toFixed(2)}, operations as ${what}^${flopsExponent.toFixed(2)}.`;
}

const BEGIN = '<!-- measured: begin';
const END = '<!-- measured: end -->';

/**
 * A page with the measured part of one preset replaced, or added at the end of it.
 * @param {string} page
 * @param {import('./bench/report').BenchReport} report
 * @param {{ date: string, command: string }} run
 */
export function withMeasured(page, report, { date, command }) {
  const name = [
    report.preset,
    ...(report.subgroups ? [] : ['without subgroups']),
    ...(report.f16.ran ? ['with float16'] : []),
    report.adapter,
  ].join(', ');
  const block = [
    `${BEGIN} ${name} -->`,
    `### ${name}`,
    `Measured on ${date} by \`${command}\`.`,
    reportTables(report),
    END,
  ].join('\n\n');
  const first = page.indexOf(`${BEGIN} ${name} -->`);
  if (first < 0) return `${page.trimEnd()}\n\n${block}\n`;
  const last = page.indexOf(END, first);
  if (last < 0) throw new Error(`BENCHMARKS.md has no "${END}" after "${BEGIN} ${name} -->".`);
  return page.slice(0, first) + block + page.slice(last + END.length);
}

function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

/** Three digits that count. */
function number(value) {
  if (!Number.isFinite(value)) return '';
  return Math.abs(value) >= 100 ? grouped(Math.round(value)) : String(Number(value.toPrecision(3)));
}

const milliseconds = number;
const grouped = (value) => value.toLocaleString('en-US');
const percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(0)}%` : '');
const times = (ratio) => (ratio === undefined || !Number.isFinite(ratio) ? '' : `${number(ratio)}×`);
