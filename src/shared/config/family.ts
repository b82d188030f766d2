import type { ModelConfig } from './run-config';

export type Variant = ModelConfig['variant'];

/** A member of the family: one UNet and one loss, with or without the parts named here. */
export interface FamilyMember {
  title: string;
  /** One sentence of help. */
  sentence: string;
  /** Has prototypes and the feature encoder, and attends to them before the middle block. */
  bank: boolean;
  /** Conditions each image on its label, so the data set must have labels. */
  labels: boolean;
}

export const FAMILY: Record<Variant, FamilyMember> = {
  pdm: {
    title: 'PDM',
    sentence: 'Prototypes are learned with the UNet, without labels.',
    bank: true,
    labels: false,
  },
  spdm: {
    title: 's-PDM',
    sentence: 'One prototype a label, learned with the UNet.',
    bank: true,
    labels: true,
  },
  protodiffusion: {
    title: 'ProtoDiffusion',
    sentence: 'One prototype a label, learned first and then frozen while the UNet learns.',
    bank: true,
    labels: true,
  },
  class: {
    title: 'Class DDPM',
    sentence: 'A learned vector a label joins the time embedding; there are no prototypes.',
    bank: false,
    labels: true,
  },
  ddpm: {
    title: 'DDPM',
    sentence: 'No conditioning at all: the baseline.',
    bank: false,
    labels: false,
  },
};

/** How many things an image can be conditioned on: prototypes or classes; 0 without conditioning. */
export function choicesOf({ variant, k }: Pick<ModelConfig, 'variant' | 'k'>): number {
  return variant === 'ddpm' ? 0 : k;
}

/** Whether the UNet attends to all prototypes at once, so that images have none of their own. */
export function attendsToAll({
  variant,
  attention,
}: Pick<ModelConfig, 'variant' | 'attention'>): boolean {
  return FAMILY[variant].bank && attention === 'all';
}
