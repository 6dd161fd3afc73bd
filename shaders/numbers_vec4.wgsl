// Numbers by fours: the first part of a module whose rows have a multiple of 4 numbers. One access and one turn of a loop
// then serve four.

alias Numbers = vec4f;
const COUNT = 4u;

fn sum_of(x: Numbers) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn max_of(x: Numbers) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

// 1 where `index` is that of the number, `first` being the index of the first; else 0.
fn mark(first: u32, index: u32) -> Numbers {
  return select(Numbers(), Numbers(1), first + vec4u(0, 1, 2, 3) == vec4u(index));
}

// The number at `index`, 0 … COUNT - 1.
fn number_at(x: Numbers, index: u32) -> f32 {
  return x[index];
}
