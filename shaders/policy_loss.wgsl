// PPO's clipped surrogate objective with its statistics, and its slope by the log-probs.
//
//   r = exp((logProb - oldLogProb) mask),   u = -A r,   c = -A clamp(r, low, high),   mean x = sum x mask / sum mask
//   statistics: mean max(u, c), mean (log r)^2 / 2, mean [c > u], mean entropy, mean r, mean [|r - 1| > range],
//   max |r - 1|;   loss = the first;   slope = u mask / sum mask where c <= u, else 0.
//   Where A < 0, max(u, c) is at most -dual A, and there the slope is 0 as well (dual clip).
//
// Shapes: logProbs, entropies, oldLogProbs, advantages, mask, slope of n numbers; loss one number; statistics 7.
// Bindings: 0 logProbs, 1 entropies, 2 oldLogProbs, 3 advantages, 4 mask, 5 loss, 6 statistics, 7 slope (5 to 7
// written), 8 sizes.
// One workgroup of 256: an invocation takes every 256th token; after a barrier eight of them add up the partial sums of
// one statistic each, in order; after another all know the sum of the mask and end their slopes.
// Numbers: float32. The log-ratio is masked before the exponential, which arbitrary padding could overflow. One that is
// not a number shows in mean (log r)^2; exp() and max() may hide it. 1e-5 against the reference.

struct Sizes {
  n: u32,
  clip_range: f32,
  low: f32,
  high: f32,
  dual: f32,
}

@group(0) @binding(0) var<storage, read> log_probs: array<f32>;
@group(0) @binding(1) var<storage, read> entropies: array<f32>;
@group(0) @binding(2) var<storage, read> old_log_probs: array<f32>;
@group(0) @binding(3) var<storage, read> advantages: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(7) var<storage, read_write> slope: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

const STATISTICS = 7u;
const LARGEST_DEVIATION = 6u; // A maximum; the others are sums.
const MASK_SUM = 7u;

/// Of each statistic, and of the mask: one number an invocation.
var<workgroup> partial: array<array<f32, 256>, 8>;
var<workgroup> totals: array<f32, 8>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var loss_sum = 0.0;
  var kl_sum = 0.0;
  var clipped_sum = 0.0;
  var entropy_sum = 0.0;
  var ratio_sum = 0.0;
  var outside_sum = 0.0;
  var largest = 0.0;
  var mask_sum = 0.0;
  for (var i = lane; i < sizes.n; i += 256) {
    let counts = mask[i];
    let log_ratio = (log_probs[i] - old_log_probs[i]) * counts;
    let ratio = exp(log_ratio);
    let unclipped = -advantages[i] * ratio;
    let clipped = -advantages[i] * clamp(ratio, sizes.low, sizes.high);
    let clips = clipped > unclipped;
    let surrogate = select(unclipped, clipped, clips);
    let most = -advantages[i] * sizes.dual;
    let dual_clips = advantages[i] < 0 && surrogate > most;
    let deviation = abs(ratio - 1);
    loss_sum += select(surrogate, most, dual_clips) * counts;
    kl_sum += 0.5 * log_ratio * log_ratio * counts;
    clipped_sum += select(0.0, counts, clips);
    entropy_sum += entropies[i] * counts;
    ratio_sum += ratio * counts;
    outside_sum += select(0.0, counts, deviation > sizes.clip_range);
    largest = max(largest, deviation);
    mask_sum += counts;
    slope[i] = select(unclipped, 0.0, clips || dual_clips) * counts;
  }
  partial[0][lane] = loss_sum;
  partial[1][lane] = kl_sum;
  partial[2][lane] = clipped_sum;
  partial[3][lane] = entropy_sum;
  partial[4][lane] = ratio_sum;
  partial[5][lane] = outside_sum;
  partial[6][lane] = largest;
  partial[7][lane] = mask_sum;
  workgroupBarrier();
  if (lane < 8) {
    var total = partial[lane][0];
    for (var other = 1u; other < 256; other += 1) {
      let next = partial[lane][other];
      total = select(total + next, max(total, next), lane == LARGEST_DEVIATION);
    }
    totals[lane] = total;
  }
  workgroupBarrier();
  let count = totals[MASK_SUM];
  if (lane < STATISTICS) {
    statistics[lane] = select(totals[lane] / count, totals[lane], lane == LARGEST_DEVIATION);
  }
  if (lane == 0) {
    loss[0] = totals[0] / count;
  }
  for (var i = lane; i < sizes.n; i += 256) {
    slope[i] /= count;
  }
}
