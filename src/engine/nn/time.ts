/**
 * Time encodings, computed outside the graph in float32 steps so that they round as PyTorch's
 * do: at t = 1999 one rounding of a frequency already moves the sine by 1e-4.
 */
const f = Math.fround;
const LOG_MAX_PERIOD = Math.log(10_000);

/**
 * The UNet's encoding: [cos(t f_j) …, sin(t f_j) …], f_j = exp(-ln(1e4) j / (C/2)).
 *
 * @param t         timesteps, raw (0 … T-1), one an image
 * @param channels  C, even
 * @returns         [B, C] row-major
 * @source          diffusers get_timestep_embedding, flip_sin_to_cos, freq_shift 0
 */
export function timeProjection(t: ArrayLike<number>, channels: number): Float32Array {
  const half = channels / 2;
  const out = new Float32Array(t.length * channels);
  for (let j = 0; j < half; j++) {
    const frequency = f(Math.exp(f(f(f(-LOG_MAX_PERIOD) * j) / half)));
    for (let b = 0; b < t.length; b++) {
      const angle = f((t[b] ?? 0) * frequency);
      out[b * channels + j] = Math.cos(angle);
      out[b * channels + half + j] = Math.sin(angle);
    }
  }
  return out;
}

/**
 * The prototype token's encoding: sin and cos interleaved, w_i = exp(-2i ln(1e4) / E).
 *
 * @param length  E, the table's width; the first `dim` entries of each row are returned
 * @returns       [B, dim] row-major
 * @source        reference behaviour 5
 */
export function tokenTime(t: ArrayLike<number>, length: number, dim: number): Float32Array {
  const out = new Float32Array(t.length * dim);
  for (let i = 0; 2 * i < dim; i++) {
    const frequency = f(Math.exp(f(2 * i * f(-LOG_MAX_PERIOD / length))));
    for (let b = 0; b < t.length; b++) {
      const angle = f((t[b] ?? 0) * frequency);
      out[b * dim + 2 * i] = Math.sin(angle);
      if (2 * i + 1 < dim) out[b * dim + 2 * i + 1] = Math.cos(angle);
    }
  }
  return out;
}
