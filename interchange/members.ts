/** Each member of the family and each option that changes what the network puts out, as --set. */
export const MEMBERS: Record<string, string[]> = {
  pdm: ['model.variant=pdm', 'model.prediction=eps'],
  'pdm, v, cosine': ['model.variant=pdm', 'model.prediction=v', 'diffusion.beta_schedule=cosine'],
  'pdm, all prototypes': ['model.variant=pdm', 'model.prediction=eps', 'model.attention=all'],
  spdm: ['model.variant=spdm', 'model.k=10', 'model.prediction=eps'],
  protodiffusion: [
    'model.variant=protodiffusion',
    'model.k=10',
    'model.prediction=v',
    'training.prototype_steps=2',
  ],
  class: ['model.variant=class', 'model.k=10', 'model.prediction=eps'],
  ddpm: ['model.variant=ddpm', 'model.prediction=eps'],
  'ddpm, x_0': ['model.variant=ddpm', 'model.prediction=x_0', 'training.loss_weighting=none'],
};
