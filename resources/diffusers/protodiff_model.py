"""A model that Protodiff trained, in PyTorch, from diffusers' own blocks.

    from protodiff_model import load, sample
    images = sample(load("."), count=16)    # [16, C, H, W] in [-1, 1]

or, from a shell in this folder: python protodiff_model.py --out samples.png

Needs torch, diffusers, safetensors. The state dict has the names of the PDM reference
(arXiv 2508.09922), so that the same file can be loaded there and by `protodiff import`.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file
from torch import nn

HEADS = 8  # of the cross-attention, as the reference has
LEAST_SHARE = 1e-12  # keeps a share of 0 finite: e^-27.6 of the attention


class FeatureEncoder(nn.Module):
    """f_phi: four stride-2 convolutions, two BatchNorms, global mean. Training alone runs it."""

    def __init__(self, channels, widths, dim):
        super().__init__()
        a, b, c = widths

        def conv(before, after):
            return nn.Conv2d(before, after, 4, stride=2, padding=1)

        self.encoder = nn.Sequential(
            *[conv(channels, a), nn.ReLU()],
            *[conv(a, b), nn.BatchNorm2d(b), nn.ReLU()],
            *[conv(b, c), nn.BatchNorm2d(c), nn.ReLU()],
            conv(c, dim),
        )

    def forward(self, x_0):
        """[B, C, H, W] in [-1, 1] -> [B, dim]"""
        return self.encoder(x_0).mean((2, 3))


class PrototypeBank(nn.Module):
    """K prototypes of width dim, and the encoder whose features they are learned from."""

    def __init__(self, channels, k, dim, time_embed_dim, encoder_widths):
        super().__init__()
        self.prototypes = nn.Parameter(torch.zeros(k, dim))
        self.f_phi = FeatureEncoder(channels, encoder_widths, dim)
        self.time_embed_dim = time_embed_dim

    def time_encoding(self, t):
        """Sines and cosines in turn, the first dim of a table of time_embed_dim. [B] -> [B, dim]"""
        dim = self.prototypes.shape[1]
        i = torch.arange(0, self.time_embed_dim, 2, dtype=torch.float32, device=t.device)
        rate = torch.exp(i * (-torch.log(torch.tensor(10000.0)).item() / self.time_embed_dim))
        angle = t.float()[:, None] * rate
        return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :dim]


class ProtodiffModel(nn.Module):
    """One member of the family (PDM, s-PDM, ProtoDiffusion, class-conditional DDPM, DDPM)."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.unet = UNet2DModel(**config["unet"])
        bank = config["prototype"]
        if bank is not None:
            self.prototype = PrototypeBank(config["unet"]["in_channels"], **bank)
            self.unet.bottleneck_attn = nn.MultiheadAttention(
                bank["dim"], HEADS, batch_first=True
            )
        chain = config["scheduler"]
        ab = DDPMScheduler(**chain).alphas_cumprod
        self.register_buffer("alphas_cumprod", ab, persistent=False)

    @property
    def choices(self):
        """How many prototypes or classes an image can be conditioned on; 0 without conditioning."""
        bank = self.config["prototype"]
        return bank["k"] if bank else self.config["unet"].get("num_class_embeds") or 0

    def shares(self, index):
        """[B] indices -> [B, K] with a one at each; None: the whole bank alike."""
        return F.one_hot(index, self.choices).float()

    def forward(self, x_t, t, shares=None):
        """Predicts eps.

        x_t     [B, C, H, W]
        t       [B] timesteps
        shares  [B, K] each image's share of each prototype or class: a one at its own, shares that
                sum to 1 for a mean of several, zeros for the null condition of guidance. None
                without conditioning, and for attention to all of the bank alike.
        """
        if shares is None and self.choices > 0:
            if self.config["attention"] != "all":
                raise ValueError("this model is conditioned: give shares, see ProtodiffModel.shares")
            shares = x_t.new_full((len(x_t), self.choices), 1 / self.choices)
        output = self._unet(x_t, t, None if shares is None else shares.to(x_t.dtype))
        ab = self.alphas_cumprod[t][:, None, None, None]
        signal, noise = ab.sqrt(), (1 - ab).sqrt()
        if self.config["prediction"] == "v":
            return output * signal + x_t * noise
        if self.config["prediction"] == "x_0":
            return (x_t - output * signal) / noise
        return output

    def _unet(self, x_t, t, shares):
        unet = self.unet
        emb = unet.time_embedding(unet.time_proj(t).to(x_t.dtype))
        if unet.class_embedding is not None:
            emb = emb + shares @ unet.class_embedding.weight
        h = unet.conv_in(x_t)
        skips = (h,)
        for block in unet.down_blocks:
            h, states = block(hidden_states=h, temb=emb)
            skips += states
        if self.config["prototype"] is not None:
            h = h + self._attend(h, t, shares)
        h = unet.mid_block(h, emb)
        for block in unet.up_blocks:
            n = len(block.resnets)
            h, skips = block(h, skips[-n:], emb), skips[:-n]
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(h)))

    def _attend(self, h, t, shares):
        B, C, H, W = h.shape
        time = self.prototype.time_encoding(t).to(h.dtype)
        queries = h.flatten(2).transpose(1, 2)
        mask = None
        if self.config["attention"] == "one":
            tokens = (shares @ self.prototype.prototypes + time)[:, None]
        else:
            present = shares.sum(1, keepdim=True).clamp(max=1)  # 0 under the null condition
            tokens = present[:, :, None] * self.prototype.prototypes + time[:, None]
            mask = torch.log(shares + (1 - present) + LEAST_SHARE)
            mask = mask[:, None].repeat_interleave(HEADS, 0).expand(-1, H * W, -1)
        out, _ = self.unet.bottleneck_attn(
            queries, tokens, tokens, attn_mask=mask, need_weights=False
        )
        return out.transpose(1, 2).reshape(B, C, H, W)


def load(folder=".", weights="ema", device="cpu"):
    """The model in an exported folder; weights: "ema", the average that samples come from, or "raw"."""
    folder = Path(folder)
    model = ProtodiffModel(json.loads((folder / "config.json").read_text()))
    model.load_state_dict(load_file(str(folder / f"weights-{weights}.safetensors")))
    return model.eval().to(device)


@torch.no_grad()
def sample(
    model, count=16, prototype=None, sampler=None, steps=None, eta=None, guidance=None,
    seed=0, x_T=None,
):
    """Pictures [count, C, H, W] in [-1, 1].

    prototype  one index for all, or one an image; None: each in turn
    sampler    "ddim" or "ddpm"; settings that are None are those of the run
    guidance   w of classifier-free guidance, 1 for none
    x_T        start noise [count, C, H, W]; None: drawn from the seed
    """
    config = model.config
    given = dict(config["sampling"])
    for name, value in dict(sampler=sampler, steps=steps, eta=eta, guidance=guidance).items():
        if value is not None:
            given[name] = value
    if given["sampler"] not in ("ddim", "ddpm"):
        raise ValueError('sampler must be "ddim" or "ddpm"')
    device = model.alphas_cumprod.device
    draws = torch.Generator().manual_seed(seed)
    if x_T is None:
        size = config["unet"]["sample_size"]
        x_T = torch.randn(count, config["unet"]["in_channels"], size, size, generator=draws)
    x = x_T.to(device)
    shares = None
    if model.choices > 0 and not (config["attention"] == "all" and prototype is None):
        index = torch.arange(len(x)) % model.choices
        if prototype is not None:
            index = torch.as_tensor(prototype).expand(len(x))
        shares = model.shares(index.to(device))

    make = DDIMScheduler if given["sampler"] == "ddim" else DDPMScheduler
    scheduler = make(**config["scheduler"], clip_sample=True)
    scheduler.set_timesteps(given["steps"])
    for t in scheduler.timesteps:
        times = t.to(device).expand(len(x))
        eps = model(x, times, shares)
        if given["guidance"] != 1 and model.choices > 0:
            null = model(x, times, x.new_zeros(len(x), model.choices))
            eps = null + given["guidance"] * (eps - null)
        how = dict(eta=given["eta"]) if given["sampler"] == "ddim" else {}
        x = scheduler.step(eps.cpu(), t, x.cpu(), generator=draws, **how).prev_sample.to(device)
    return x


def main():
    from PIL import Image

    flags = argparse.ArgumentParser(description="Samples from the model in this folder.")
    flags.add_argument("--out", default="samples.png")
    flags.add_argument("--count", type=int, default=16)
    flags.add_argument("--prototype", type=int)
    flags.add_argument("--steps", type=int)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--weights", choices=["ema", "raw"], default="ema")
    flags.add_argument("--device", default="cpu")
    given = flags.parse_args()
    model = load(Path(__file__).parent, given.weights, given.device)
    images = sample(
        model, given.count, given.prototype, steps=given.steps, seed=given.seed
    ).cpu()
    row = torch.cat(list(images), 2)  # side by side, [C, H, count * W]
    pixels = ((row / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).squeeze(-1)
    Image.fromarray(pixels.numpy()).save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
