// A row to a workgroup of 64, which takes every 64th of its logits and reduces in trees: for GPUs, where one invocation
// would wait for each logit in turn. After sample.wgsl. Sums are in one order, the same each time.

var<workgroup> numbers: array<f32, 64>;
var<workgroup> masses: array<f32, 64>;
var<workgroup> entries: array<u32, 64>;

fn highest_of(lane: u32, own: f32) -> f32 {
  numbers[lane] = own;
  for (var half = 32u; half > 0; half >>= 1) {
    workgroupBarrier();
    if (lane < half) { numbers[lane] = max(numbers[lane], numbers[lane + half]); }
  }
  let result = workgroupUniformLoad(&numbers[0]);
  workgroupBarrier();
  return result;
}

fn sums_of(lane: u32, own: vec2f) -> vec2f {
  numbers[lane] = own.x;
  masses[lane] = own.y;
  for (var half = 32u; half > 0; half >>= 1) {
    workgroupBarrier();
    if (lane < half) {
      numbers[lane] += numbers[lane + half];
      masses[lane] += masses[lane + half];
    }
  }
  let result = vec2f(workgroupUniformLoad(&numbers[0]), workgroupUniformLoad(&masses[0]));
  workgroupBarrier();
  return result;
}

// Of the entry with the highest key; of equals, the first.
fn winner_of(lane: u32, entry: u32, key: f32) -> u32 {
  numbers[lane] = key;
  entries[lane] = entry;
  for (var half = 32u; half > 0; half >>= 1) {
    workgroupBarrier();
    if (lane < half) {
      let other = numbers[lane + half];
      let before = entries[lane + half] < entries[lane];
      if (other > numbers[lane] || (other == numbers[lane] && before)) {
        numbers[lane] = other;
        entries[lane] = entries[lane + half];
      }
    }
  }
  return workgroupUniformLoad(&entries[0]);
}

// How many of the row, and what share of its mass, have a key of at least `key`.
fn share_from(lane: u32, first: u32, key: u32, highest: f32, total: f32) -> vec2f {
  var own = vec2f();
  for (var v = lane; v < settings.v; v += 64) {
    let x = logits[first + v];
    if (key_of(x) >= key) {
      own += vec2f(1, exp((x - highest) * settings.inverse_temperature));
    }
  }
  return sums_of(lane, own) / vec2f(1, total);
}

// As in sample_by_row.wgsl.
fn lowest_kept(lane: u32, first: u32, highest: f32, total: f32) -> u32 {
  var by_count = 0u;
  var by_mass = 0u;
  for (var bit = 0x80000000u; bit > 0; bit >>= 1) {
    if (settings.top_k > 0) {
      let share = share_from(lane, first, by_count | bit, highest, total);
      if (share.x >= f32(min(settings.top_k, settings.v))) { by_count |= bit; }
    }
    if (settings.top_p < 1) {
      let share = share_from(lane, first, by_mass | bit, highest, total);
      if (share.y >= settings.top_p) { by_mass |= bit; }
    }
  }
  return max(by_count, by_mass);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let first = row * settings.v;
  var own_highest = -3.4e38;
  for (var v = lane; v < settings.v; v += 64) {
    own_highest = max(own_highest, logits[first + v]);
  }
  let highest = highest_of(lane, own_highest);
  var own_total = 0.0;
  for (var v = lane; v < settings.v; v += 64) {
    own_total += exp((logits[first + v] - highest) * settings.inverse_temperature);
  }
  let total = sums_of(lane, vec2f(own_total, 0)).x;
  var threshold = 0u;
  if (settings.top_k > 0 || settings.top_p < 1) {
    threshold = lowest_kept(lane, first, highest, total);
  }
  var chosen = settings.v;
  var best = -3.4e38;
  for (var v = lane; v < settings.v; v += 64) {
    let x = logits[first + v];
    if (key_of(x) >= threshold) {
      let key = race(row, v, x, highest);
      if (key > best) {
        best = key;
        chosen = v;
      }
    }
  }
  let winner = winner_of(lane, chosen, best);
  if (lane == 0) {
    write(row, winner, highest, total);
  }
}
