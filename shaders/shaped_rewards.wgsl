// Rewards of tokens from scores of replies, with the sums of every reply.
//
//   k1 = logProb - refLogProb,   reward = -klCoef k1, 0 outside the mask,   last reward += score - penalty [not finished]
//   replies: score - penalty [not finished],   kl = sum k1,   -klCoef kl
//
// Shapes: logProbs, refLogProbs, mask, rewards [B, R]; scores, finished [B]; klCoef at least [1], the first is taken;
// replies [3, B]. Bindings: 0 logProbs, 1 refLogProbs, 2 mask, 3 scores, 4 finished, 5 klCoef, 6 rewards, 7 replies
// (6 and 7 written), 8 sizes.
// A workgroup of 64 takes 64 replies, a lane one of them from its first token to its last: no barrier.
// Numbers: float32; what is outside the mask is not read. A reply without a token pays its score nowhere. 1e-5 against
// the reference.

struct Sizes {
  rows: u32,
  length: u32,
  missing_eos_penalty: f32,
}

@group(0) @binding(0) var<storage, read> log_probs: array<f32>;
@group(0) @binding(1) var<storage, read> ref_log_probs: array<f32>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read> finished: array<i32>;
@group(0) @binding(5) var<storage, read> kl_coef: array<f32>;
@group(0) @binding(6) var<storage, read_write> rewards: array<f32>;
@group(0) @binding(7) var<storage, read_write> replies: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * 64 + lane;
  if (row >= sizes.rows) {
    return;
  }
  let coef = kl_coef[0];
  let score = scores[row] - select(sizes.missing_eos_penalty, 0.0, finished[row] != 0);
  let first = row * sizes.length;
  let end = first + sizes.length;
  var kl = 0.0;
  var last = end;
  var last_reward = 0.0;
  for (var i = first; i < end; i += 1) {
    var reward = 0.0;
    if (mask[i] != 0) {
      let k1 = log_probs[i] - ref_log_probs[i];
      reward = -coef * k1;
      kl += k1;
      last = i;
      last_reward = reward;
    }
    rewards[i] = reward;
  }
  if (last < end) {
    rewards[last] = last_reward + score;
  }
  replies[row] = score;
  replies[sizes.rows + row] = kl;
  replies[2 * sizes.rows + row] = -coef * kl;
}
