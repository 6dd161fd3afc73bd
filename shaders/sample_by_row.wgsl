// A row to an invocation, 8 rows to a workgroup, no barrier. After sample.wgsl.

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
      let key = race(row, v, x, highest);
      if (key > best) {
        best = key;
        chosen = v;
      }
    }
  }
  write(row, chosen, highest, total);
}
