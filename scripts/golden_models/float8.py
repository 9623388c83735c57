"""Weights in fp8 (E4M3) with a scale for each 128 x 128, as DeepSeek-V3 and Qwen3 store them."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

BLOCK = 128
LARGEST = 448.0


def encode(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    rows, columns = weights.shape
    scales = torch.empty((rows + BLOCK - 1) // BLOCK, (columns + BLOCK - 1) // BLOCK)
    codes = torch.empty(weights.shape, dtype=torch.float8_e4m3fn)
    for at in range(scales.shape[0]):
        for column in range(scales.shape[1]):
            place = slice(at * BLOCK, (at + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK)
            scales[at, column] = weights[place].abs().max() / LARGEST
            codes[place] = (weights[place] / scales[at, column]).to(torch.float8_e4m3fn)
    return codes, scales


def decode(codes: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    spread = scales.repeat_interleave(BLOCK, 0)[: codes.shape[0]].repeat_interleave(BLOCK, 1)[:, : codes.shape[1]]
    return codes.float() * spread


def round_linears(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Puts every projection where fp8 can say it; the tensors of a file that does."""
    stored = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "proj" in name:
                codes, scales = encode(parameter.float())
                parameter.copy_(decode(codes, scales))
                stored |= {name: codes, f"{name}_scale_inv": scales}
    return stored


def store_linears(folder: Path, stored: dict[str, torch.Tensor]) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | stored, path, metadata={"format": "pt"})
