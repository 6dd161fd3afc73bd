// Draws one token a row from logits at a temperature, of the top k and the top p, by the Gumbel-max trick.
//
//   token = argmax over the kept v of l[v] + G(seed, counter, row, v),   l = logits / T
//   logProb = l[token] - log sum exp l   (over all v, kept or not)
//
// Kept are the v with l[v] >= the k-th largest, and >= the largest value above which (it included) lies a mass of p.
// Temperature 0: the likeliest token, with its log-probability at T = 1.
// One part of a module: before sample_by_row.wgsl or sample_by_workgroup.wgsl, which differ in who takes a row.
// Shapes: logits [B, V]; kept, token [B] int32; logProb [B]; any sizes.
// Bindings: 0 logits, 1 draw (seed and counter, which change from step to step), 2 kept (the tokens too, where the next
// step begins with them), 3 token, 4 logProb (2 to 4 written), 5 settings.
// Top k and top p are found by bisection over the bits of the logits, 32 sweeps over the row each, instead of by sorting.
// Numbers: float32, with the maximum taken out of every exponential. The integer hash is that of
// src/ops/counterRandom.ts, so both draw the same tokens but where two keys are equal to 1e-6.

struct Settings {
  rows: u32,
  v: u32,
  inverse_temperature: f32, // 1 when greedy
  greedy: u32,
  top_k: u32, // 0 is off
  top_p: f32, // 1 is off
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read_write> kept: array<i32>;
@group(0) @binding(3) var<storage, read_write> token: array<i32>;
@group(0) @binding(4) var<storage, read_write> log_prob: array<f32>;
@group(0) @binding(5) var<uniform> settings: Settings;

// pcg4d of Jarzynski & Olano 2020, "Hash Functions for GPU Rendering": 32 bits from (seed, counter, row, index).
fn hash4(row: u32, index: u32) -> u32 {
  var h = vec4u(draw[0], draw[1], row, index) * 1664525u + 1013904223u;
  h.x += h.y * h.w;
  h.y += h.z * h.x;
  h.z += h.x * h.y;
  h.w += h.y * h.z;
  h ^= h >> vec4u(16u);
  h.x += h.y * h.w;
  h.y += h.z * h.x;
  h.z += h.x * h.y;
  h.w += h.y * h.z;
  return h.w;
}

// -log(1 - u) for u in (0, 1). Where u is small, which is where the large Gumbel numbers come from, `log` near 1 may be
// off by its whole value, so the series of 2 atanh(u / (2 - u)) is taken.
fn minus_log_one_minus(u: f32) -> f32 {
  let s = u / (2 - u);
  let ss = s * s;
  let series = 2 * s * (1 + ss * (1.0 / 3 + ss * (1.0 / 5 + ss * (1.0 / 7 + ss / 9))));
  return select(-log(1 - u), series, u < 0.25);
}

fn gumbel(row: u32, index: u32) -> f32 {
  let u = (f32(hash4(row, index) >> 9) + 0.5) / 8388608;
  return -log(minus_log_one_minus(u));
}

// Floats and unsigned integers in the same order.
fn key_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, (bits >> 31) == 1);
}

// What the token v with logit x has to beat.
fn race(row: u32, v: u32, x: f32, highest: f32) -> f32 {
  let key = (x - highest) * settings.inverse_temperature;
  if (settings.greedy == 1) {
    return key;
  }
  return key + gumbel(row, v);
}

fn write(row: u32, chosen: u32, highest: f32, total: f32) {
  kept[row] = i32(chosen);
  token[row] = i32(chosen);
  log_prob[row] = (logits[row * settings.v + chosen] - highest) * settings.inverse_temperature - log(total);
}
