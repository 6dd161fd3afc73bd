// The ranking loss over all weighted pairs, and its slope by the rewards.
//
//   d_ij = r_i - r_j - margin,   loss = sum over g, i, j of w_ij (log(1 + exp(-d_ij)) + centre (r_i + r_j)^2) / G
//   slope_i = sum over j of (w_ji s_ji - w_ij s_ij + 2 centre (w_ij + w_ji) (r_i + r_j)) / G,   s = 1 / (1 + exp(d))
//
// Shapes: rewards, slope [G, K]; weights [G, K, K]; loss one number; any sizes.
// Bindings: 0 rewards, 1 weights, 2 loss, 3 slope (2 and 3 written), 4 sizes.
// One workgroup of 64: an invocation takes every 64th reply with all its pairs, and after the one barrier the first adds
// the 64 partial sums, in order.
// Numbers: float32, exponentials of negative numbers alone. 1e-5 against the reference.

struct Sizes {
  rankings: u32,
  replies: u32,
  margin: f32,
  centre: f32,
}

@group(0) @binding(0) var<storage, read> rewards: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> slope: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> partial: array<f32, 64>;

/// 1 / (1 + exp(d)).
fn lost(d: f32) -> f32 {
  let e = exp(-abs(d));
  return select(1.0, e, d >= 0) / (1 + e);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  let k = sizes.replies;
  var sum = 0.0;
  for (var i = lane; i < sizes.rankings * k; i += 64) {
    let first = i / k * k;
    var own = 0.0;
    for (var other = 0u; other < k; other += 1) {
      let j = first + other;
      let wins = weights[i * k + other];
      let loses = weights[j * k + i - first];
      let d = rewards[i] - rewards[j] - sizes.margin;
      let both = rewards[i] + rewards[j];
      sum += wins * (max(-d, 0.0) + log(1 + exp(-abs(d))) + sizes.centre * both * both);
      own += loses * lost(rewards[j] - rewards[i] - sizes.margin) - wins * lost(d);
      own += 2 * sizes.centre * (wins + loses) * both;
    }
    slope[i] = own / f32(sizes.rankings);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0) {
    for (var other = 1u; other < 64; other += 1) {
      sum += partial[other];
    }
    loss[0] = sum / f32(sizes.rankings);
  }
}
