import type { ModelConfig, TrainingConfig } from '@shared/config/run-config';
import { alphaBar } from './schedule';
import type { Schedule } from './schedule';

/**
 * Weight of each image's squared error, measured on what the network puts out. With
 * SNR = ab / (1 - ab) the three errors are one quantity in different units,
 *
 *   |eps error|^2 = ab |v error|^2 = SNR |x_0 error|^2,
 *
 * so one objective means a weight for each kind of output:
 *
 *               on eps             on v                     on x_0
 *   none        1                  ab                       SNR
 *   min_snr     min(SNR, g)/SNR    min(SNR, g) (1 - ab)     min(SNR, g)
 *   v           1 / ab             1                        SNR + 1
 *
 * @param t  timesteps, one an image
 * @returns  [B]
 * @source   Hang et al. 2023, arXiv:2303.09556, section 3.4; Salimans & Ho 2022, arXiv:2202.00512
 */
export function lossWeights(
  { loss_weighting, min_snr_gamma }: TrainingConfig,
  prediction: ModelConfig['prediction'],
  schedule: Schedule,
  t: ArrayLike<number>,
): Float32Array {
  return Float32Array.from(t, (step) => {
    const ab = alphaBar(schedule, step);
    const rest = Math.fround(1 - ab);
    const snr = ab / rest;
    const onClean = { none: snr, min_snr: Math.min(snr, min_snr_gamma), v: 1 / rest }[
      loss_weighting
    ];
    return { x_0: onClean, v: onClean * rest, eps: onClean / snr }[prediction];
  });
}
