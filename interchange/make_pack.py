"""Makes a golden pack of a given shape with PyTorch: python make_pack.py OUT CONFIG.json

The reference's side of `protodiff verify`: diffusers' blocks and schedulers, torch's AdamW, and
the loss in its formulae. Same form as the packs of the reference, other sizes. CONFIG is what
config.json of a pack has.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "resources/diffusers"))
from protodiff_model import ProtodiffModel  # noqa: E402


class Reference:
    """The model with its loss; s-PDM goes by labels and has no compact term."""

    def __init__(self, model, variant, prototype, ab):
        self.model, self.variant, self.ab = model, variant, ab
        self.tau, self.alpha, self.beta = (prototype[name] for name in ("tau", "alpha", "beta"))

    def loss(self, x0, noise, t, labels, seen=None):
        m = self.model
        seen = {} if seen is None else seen
        p = m.prototype.prototypes
        f = m.prototype.f_phi(x0)
        d = ((f[:, None] - p[None]) ** 2).sum(-1).sqrt()
        index = d.argmin(1) if self.variant == "pdm" else labels
        a = self.ab[t][:, None, None, None]
        x_t = a.sqrt() * x0 + (1 - a).sqrt() * noise
        eps = m(x_t, t, m.shares(index))
        unit = F.normalize(p, dim=1)
        terms = dict(
            diffusion=F.mse_loss(eps, noise),
            contrastive=F.cross_entropy(-self.tau * d, index),
            align=F.mse_loss(f, p[index]),
            compact=((unit @ unit.T - torch.eye(len(p))) ** 2).sum(),
        )
        terms["prototype"] = terms["contrastive"] + self.alpha * terms["align"]
        if self.variant == "pdm":
            terms["prototype"] = terms["prototype"] + self.beta * terms["compact"]
        terms["total"] = terms["diffusion"] + terms["prototype"]
        seen.update(x_t=x_t, eps=eps, f_phi=f, distances=d, prototype_index=index.int())
        seen["selected_prototype"] = p[index]
        seen["sinusoidal_time"] = m.prototype.time_encoding(t)
        seen["prototype_token"] = (p[index] + seen["sinusoidal_time"])[:, None]
        return terms


def watched(model, seen):
    """Hooks that keep what each named part of the UNet gives out."""
    def keep(name):
        def hook(_module, _inputs, output):
            seen[name] = output[0] if isinstance(output, tuple) else output
        return hook

    hooks = []
    for name, module in model.unet.named_modules():
        last = name.split(".")[-2:]
        whole = name in ("conv_in", "time_proj", "time_embedding", "conv_norm_out", "mid_block")
        if whole or last[0] in ("resnets", "attentions", "down_blocks", "up_blocks", "downsamplers", "upsamplers"):
            hooks.append(module.register_forward_hook(keep(f"unet.{name}")))
    attn = model.unet.bottleneck_attn
    hooks.append(attn.register_forward_hook(keep("unet.cross_attention.output")))
    return hooks


def main(out, config):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])
    proto, unet, opt = config["prototype"], config["unet"], config["optimizer"]
    chain = dict(
        num_train_timesteps=config["num_train_timesteps"], beta_start=config["beta_start"],
        beta_end=config["beta_end"], beta_schedule=config["beta_schedule"],
    )
    bank = {name: proto[name] for name in ("k", "dim", "time_embed_dim", "encoder_widths")}
    model = ProtodiffModel(
        dict(unet=unet, prototype=bank, scheduler=chain, attention="one", prediction="eps")
    )
    with torch.no_grad():
        nn.init.kaiming_uniform_(model.prototype.prototypes, a=0.1)
        for p in model.parameters():
            if p.ndim == 1:  # no bias or norm weight keeps its trivial value
                p.add_(0.02 * torch.randn_like(p))
        for name, b in model.named_buffers():
            if "running" in name:
                b.copy_(torch.rand_like(b) + 0.5 * ("var" in name))
    ab = model.alphas_cumprod
    B, C, S, T, K = config["batch"], unet["in_channels"], unet["sample_size"], chain["num_train_timesteps"], proto["k"]

    def batch():
        return dict(
            x0=torch.rand(B, C, S, S) * 2 - 1, noise=torch.randn(B, C, S, S),
            t=torch.randint(0, T, (B,)), labels=torch.randint(0, K, (B,)),
        )

    batches = [batch() for _ in range(5)]
    start = {name: value.clone() for name, value in model.state_dict().items()}
    params = dict(model.named_parameters())
    save(out / "weights", start)
    index = config.get("intermediate_batch_index", "all")
    loss_file, step_file = {}, {}
    for which, variant in enumerate([config["variant"], config["alt_variant"]]):
        reference = Reference(model, variant, proto, ab)
        model.load_state_dict(start)
        model.train()
        seen = {}
        hooks = watched(model, seen)
        terms = reference.loss(**batches[0], seen=seen)
        for hook in hooks:
            hook.remove()
        seen["unet.after_cross_attention"] = after_cross(seen, unet)
        if index != "all":
            seen = {n: v[[index]] if n.startswith("unet.") else v for n, v in seen.items()}
        given = batches[0] if which == 0 else {}
        save(out / ("alt-forward" if which else "forward"), {**seen, **given})
        model.zero_grad()
        terms["total"].backward()
        grads = {n: p.grad.clone() for n, p in params.items()}
        norm = torch.stack([g.norm() for g in grads.values()]).norm().item()
        figures = dict(variant=variant, grad_total_norm=norm, **{n: v.item() for n, v in terms.items()})
        if which:
            figures["grad_stats"] = {n: dict(l2=g.norm().item(), max=g.abs().max().item()) for n, g in grads.items()}
            loss_file["alt"] = figures
        else:
            loss_file.update(figures)
            save(out / "grads", grads)
            after = {n: b for n, b in model.state_dict().items() if n not in params}
            before = {n: b for n, b in start.items() if n not in params}
            save(out / "bn", {**{f"after.{n}": b for n, b in after.items()}, **{f"before.{n}": b for n, b in before.items()}})
            round_off = roundoff_only(reference, batches[0], params, start)
            (out / "keys.json").write_text(json.dumps([
                dict(key=n, shape=list(v.shape), grad=round_off.get(n)) for n, v in start.items()
            ]))
        tensors = {}
        steps = train(reference, start, batches, opt, params, tensors, None)
        if which:
            step_file["alt"] = dict(variant=variant, steps=steps)
            continue
        step_file.update(variant=variant, steps=steps)
        for i, b in enumerate(batches):
            tensors.update({f"batch.{i}.{n}": v for n, v in b.items()})
        save(out / "step", tensors)
        step_file["scheduled"] = dict(
            variant=variant, warmup_steps=2, training_steps=9,
            steps=train(reference, start, batches, opt, params, {}, (2, 9)),
        )
    (out / "loss.json").write_text(json.dumps(loss_file))
    (out / "step.json").write_text(json.dumps(step_file))
    model.load_state_dict(start)
    model.eval()
    trajectories(out, config, model, chain)
    short = DDPMScheduler(**config["ddpm_full"])
    save(out / "schedule", {
        "betas": DDPMScheduler(**chain).betas, "alphas_cumprod": ab,
        "ddpm_full.betas": short.betas, "ddpm_full.alphas_cumprod": short.alphas_cumprod,
    })
    (out / "config.json").write_text(json.dumps(config))


def after_cross(seen, unet):
    """What goes into the middle block."""
    h = seen[f"unet.down_blocks.{len(unet['block_out_channels']) - 1}"]
    return h + seen["unet.cross_attention.output"].transpose(1, 2).reshape(h.shape)


def roundoff_only(reference, batch, params, start):
    """Parameters whose gradient in float64 is below 1e-12: what AdamW makes of them is round-off."""
    model = reference.model
    model.load_state_dict(start)
    model.double()
    reference.ab = reference.ab.double()
    model.zero_grad()
    wide = {n: v.double() if v.is_floating_point() else v for n, v in batch.items()}
    reference.loss(**wide)["total"].backward()
    found = {
        n: "roundoff_only" if 0 < p.grad.abs().max().item() < 1e-12 else "normal"
        for n, p in params.items()
    }
    model.float()
    reference.ab = reference.ab.float()
    model.load_state_dict(start)
    return found


def train(reference, start, batches, opt, params, tensors, schedule):
    reference.model.load_state_dict(start)
    reference.model.train()
    adamw = torch.optim.AdamW(params.values(), lr=opt["lr"], weight_decay=opt["weight_decay"])
    steps = []
    for i, b in enumerate(batches):
        if schedule:
            warmup, total = schedule
            factor = i / warmup if i < warmup else 0.5 * (1 + torch.cos(torch.tensor(torch.pi * (i - warmup) / (total - warmup), dtype=torch.float64)).item())
            adamw.param_groups[0]["lr"] = opt["lr"] * factor
        adamw.zero_grad()
        terms = reference.loss(**b)
        terms["total"].backward()
        norm = nn.utils.clip_grad_norm_(params.values(), opt["clip_grad_norm"]).item()
        adamw.step()
        steps.append(dict(
            lr=adamw.param_groups[0]["lr"], grad_total_norm=norm,
            **{n: terms[n].item() for n in ("diffusion", "prototype", "total")},
        ))
        if i in (0, len(batches) - 1):
            state = reference.model.state_dict() if i else params
            tensors.update({f"after{i + 1}.{n}": v.detach().clone() for n, v in state.items()})
    return steps


@torch.no_grad()
def trajectories(out, config, model, chain):
    K, B = config["prototype"]["k"], 2
    C, S = config["unet"]["in_channels"], config["unet"]["sample_size"]
    n = config["sample_steps"]
    full = config["ddpm_full"]["num_train_timesteps"]
    cases = {
        "ddpm_full": (DDPMScheduler(**config["ddpm_full"], clip_sample=True), full, True, None),
        "ddpm_strided": (DDPMScheduler(**chain, clip_sample=True), n, True, None),
        "ddim": (DDIMScheduler(**chain, clip_sample=True), n, False, 0.0),
        "ddim_noclip": (DDIMScheduler(**chain, clip_sample=False), n, False, 0.0),
        "ddim_eta": (DDIMScheduler(**chain, clip_sample=True), n, True, 0.7),
        "dpmpp2m": (DPMSolverMultistepScheduler(**chain, final_sigmas_type="zero"), n, False, None),
    }
    tensors, chains = {}, {}
    for name, (scheduler, steps, noisy, eta) in cases.items():
        scheduler.set_timesteps(steps)
        x = torch.randn(B, C, S, S)
        xs, noises, epss = [x], [], []
        per_step = name.startswith("ddpm")
        ids = torch.randint(0, K, (steps, B) if per_step else (B,))
        for i, t in enumerate(scheduler.timesteps):
            eps = model(x, t.expand(B), model.shares(ids[i] if per_step else ids))
            how = {}
            if noisy and name.startswith("ddim"):
                noise = torch.randn(B, C, S, S)
                how = dict(eta=eta, variance_noise=noise)
                noises.append(noise)
            elif noisy:
                # The scheduler draws from the generator: the same draw is kept beside it.
                how = dict(generator=torch.Generator().manual_seed(i))
                noises.append(torch.randn(B, C, S, S, generator=torch.Generator().manual_seed(i)))
            x = scheduler.step(eps, t, x, **how).prev_sample
            xs.append(x)
            epss.append(eps)
        tensors[f"{name}.x"] = torch.stack(xs)
        tensors[f"{name}.eps"] = torch.stack(epss)
        tensors[f"{name}.prototype_ids"] = ids
        tensors[f"{name}.timesteps"] = scheduler.timesteps
        if noisy:
            tensors[f"{name}.noise"] = torch.stack(noises[:-1])
            pixels = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1) * 255
            tensors[f"{name}.image_u8_nhwc"] = pixels.round().byte()
        chains[name] = dict(
            scheduler=type(scheduler).__name__, config={k: v for k, v in scheduler.config.items() if not k.startswith("_")},
            num_inference_steps=steps, timesteps=scheduler.timesteps.tolist(), **({} if eta is None else dict(eta=eta)),
        )
    save(out / "sample", tensors)
    (out / "sample.json").write_text(json.dumps(chains))


def save(path, tensors):
    """Integers in 32 bits, as the packs have them; bytes stay."""
    small = {
        n: v.detach().to(torch.int32) if v.dtype == torch.int64 else v.detach()
        for n, v in tensors.items()
    }
    save_file({n: v.contiguous().clone() for n, v in small.items()}, str(path) + ".safetensors")


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()))
