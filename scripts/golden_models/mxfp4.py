"""Experts in MXFP4, as gpt-oss stores them: 32 four-bit values share a power of two."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

SIZES = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
BLOCK = 32
BIAS = 127
NAMES = ("gate_up_proj", "down_proj")


def encode(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of `[experts, inputs, outputs]`: bytes of pairs, low half first, and of scales, by output."""
    values = weights.float().transpose(1, 2)
    values = values.reshape(*values.shape[:2], -1, BLOCK)
    largest = values.abs().amax(-1)
    exponents = torch.floor(torch.log2(largest)) - 2
    scaled = values / torch.exp2(exponents)[..., None]
    sizes = (scaled.abs()[..., None] - SIZES).abs().argmin(-1)
    nibbles = (sizes + 8 * (scaled < 0)).to(torch.uint8)
    return nibbles[..., 0::2] | (nibbles[..., 1::2] << 4), (exponents + BIAS).to(torch.uint8)


def decode(blocks: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    nibbles = torch.stack([blocks & 15, blocks >> 4], dim=-1).flatten(-2).long()
    values = SIZES[nibbles & 7] * torch.where(nibbles >= 8, -1.0, 1.0)
    values = values * torch.exp2(scales.float() - BIAS)[..., None]
    return values.flatten(-2).transpose(1, 2)


def round_experts(model: torch.nn.Module) -> None:
    """Puts every expert's weights where four bits can say them."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(NAMES):
                parameter.copy_(decode(*encode(parameter)))


def store_experts(folder: Path) -> None:
    """Puts bytes in the place of the experts' weights in a saved folder."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    for name in [name for name in tensors if name.endswith(NAMES)]:
        weights = tensors.pop(name)
        blocks, scales = encode(weights)
        assert torch.equal(decode(blocks, scales), weights.float()), name
        tensors |= {f"{name}_blocks": blocks.contiguous(), f"{name}_scales": scales.contiguous()}
    save_file(tensors, path, metadata={"format": "pt"})
