// GELU in the tanh form of GPT-2 and its slope: a part of modules whose Cell is f32 or vec4f.
//
//   gelu(x) = x / (1 + exp(-2u)) = x - x / (1 + exp(2u)),   2u = sqrt(8 / pi) (x + 0.044715 x^3)
//   slope   = s + x s (1 - s) 2u',   s = 1 / (1 + exp(-2u)),   2u' = sqrt(8 / pi) (1 + 3 * 0.044715 x^2)
//
// Numbers: float32. The second form of gelu is taken because it needs no tanh and is exact at both ends. Beyond 10 the
// exponential is 0 or so large that it changes nothing; clamped, x cannot overflow it to inf. In the slope 1 - s is e s
// with e = exp(-2u), without cancellation. Against the reference for |x| below 5: gelu 5e-7, slope 1e-5, since the
// reference cancels there.

const ROOT_8_OVER_PI = 1.5957691216057308;
const CUBIC = 0.044715;

fn gelu(x: Cell) -> Cell {
  let c = clamp(x, Cell(-10), Cell(10));
  return x - x / (1 + exp(ROOT_8_OVER_PI * (c + CUBIC * c * c * c)));
}

fn gelu_slope(x: Cell) -> Cell {
  let c = clamp(x, Cell(-10), Cell(10));
  let e = exp(-ROOT_8_OVER_PI * (c + CUBIC * c * c * c));
  let s = 1 / (1 + e);
  return s + c * s * (e * s) * (ROOT_8_OVER_PI * (1 + 3 * CUBIC * c * c));
}
