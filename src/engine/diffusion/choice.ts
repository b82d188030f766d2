import type { SamplingConfig } from '@shared/config/run-config';
import { dpmpp2m } from './dpm-solver';
import { euler, heun } from './edm';
import { ddim, ddpm } from './samplers';

/** The samplers by their name in a configuration. */
export const SAMPLERS: Record<SamplingConfig['sampler'], typeof ddim> = {
  ddim,
  ddpm,
  dpmpp_2m: dpmpp2m,
  euler,
  heun,
};
