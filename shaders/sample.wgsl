// Draws one token a row from logits at a temperature, of the top k and the top p, by the Gumbel-max trick.
//
//   token = argmax over the kept v of l[v] + G(seed, counter, row, v),   l = logits / T
//   logProb = l[token] - log sum exp l   (over all v, kept or not)
//
// Kept are the v with l[v] >= the k-th largest, and >= the largest value above which (it included) lies a mass of p.
// Temperature 0: the likeliest token, with its log-probability at T = 1.
// Shapes: logits [B, V]; token [B] int32; logProb [B]; any sizes.
// Bindings: 0 logits, 1 draw (seed and counter, which change from step to step), 2 token, 3 logProb (2 and 3 written),
// 4 settings.
// An invocation takes one row, a workgroup 8 rows; no barrier. Top k and top p are found by bisection over the bits of
// the logits, 32 sweeps over the row each, instead of by sorting.
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
@group(0) @binding(2) var<storage, read_write> token: array<i32>;
@group(0) @binding(3) var<storage, read_write> log_prob: array<f32>;
@group(0) @binding(4) var<uniform> settings: Settings;

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

// How many of the row, and what share of its mass, have a key of at least `key`.
fn share_from(first: u32, key: u32, highest: f32, total: f32) -> vec2f {
  var count = 0u;
  var mass = 0.0;
  for (var v = 0u; v < settings.v; v += 1) {
    let x = logits[first + v];
    if (key_of(x) >= key) {
      count += 1;
      mass += exp((x - highest) * settings.inverse_temperature);
    }
  }
  return vec2f(f32(count), mass / total);
}

// The largest key from which on the row holds `count` entries and, separately, the largest with a mass of `mass`; the
// greater of both, since each cuts from below.
fn lowest_kept(first: u32, highest: f32, total: f32) -> u32 {
  var by_count = 0u;
  var by_mass = 0u;
  for (var bit = 0x80000000u; bit > 0; bit >>= 1) {
    if (settings.top_k > 0 && share_from(first, by_count | bit, highest, total).x >= f32(min(settings.top_k, settings.v))) {
      by_count |= bit;
    }
    if (settings.top_p < 1 && share_from(first, by_mass | bit, highest, total).y >= settings.top_p) {
      by_mass |= bit;
    }
  }
  return max(by_count, by_mass);
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= settings.rows) {
    return;
  }
  let first = row * settings.v;
  var highest = logits[first];
  for (var v = 1u; v < settings.v; v += 1) {
    highest = max(highest, logits[first + v]);
  }
  var total = 0.0;
  for (var v = 0u; v < settings.v; v += 1) {
    total += exp((logits[first + v] - highest) * settings.inverse_temperature);
  }
  var threshold = 0u;
  if (settings.top_k > 0 || settings.top_p < 1) {
    threshold = lowest_kept(first, highest, total);
  }
  var chosen = 0u;
  var best = -3.4e38;
  for (var v = 0u; v < settings.v; v += 1) {
    let x = logits[first + v];
    if (key_of(x) >= threshold) {
      var key = (x - highest) * settings.inverse_temperature;
      if (settings.greedy == 0) {
        key += gumbel(row, v);
      }
      if (key > best) {
        best = key;
        chosen = v;
      }
    }
  }
  token[row] = i32(chosen);
  log_prob[row] = (logits[first + chosen] - highest) * settings.inverse_temperature - log(total);
}
