"""Combine Muon for the matrices of the layers and AdamW for all other parameters in a single optimizer.

Muon orthogonalizes each update before it is applied. Without it the nano models do not learn to
repeat within their number of steps (docs/results/ablations.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import AdamW, Muon, Optimizer

MOMENTUM = 0.95


class FullPrecisionMuon(Muon):
    """Muon that orthogonalizes in the precision of the parameters.

    The one of torch does so in bf16, which most processors emulate: there it takes two thirds of a training step.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update each matrix by its orthogonalized momentum."""
        for group in self.param_groups:
            for matrix in (parameter for parameter in group["params"] if parameter.grad is not None):
                momentum = self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix))
                momentum.lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonalize(
                    matrix.grad.lerp(momentum, group["momentum"]), group["ns_coefficients"], group["ns_steps"]
                )
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-group["lr"] * math.sqrt(max(1, matrix.shape[0] / matrix.shape[1])))


def orthogonalize(matrix: torch.Tensor, coefficients: Sequence[float], steps: int) -> torch.Tensor:
    """Bring all singular values of a matrix near 1 by Newton-Schulz iterations with three coefficients."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide: torch.Tensor = (matrix.T if is_tall else matrix) / matrix.norm().clamp(min=1e-7)
    first, second, third = coefficients
    for _ in range(steps):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=second, alpha=third), wide, beta=first)
    return wide.T if is_tall else wide


class MuonAdamW(Optimizer):
    """Muon and AdamW with joined parameter groups, so that a single schedule sets both rates, and joined states."""

    def __init__(self, model: Any, matrix_rate: float, adamw_settings: dict[str, Any], weight_decay: float) -> None:
        matrices, others = split_parameters(model)
        muon = FullPrecisionMuon(matrices, lr=matrix_rate, momentum=MOMENTUM, weight_decay=weight_decay)
        self.parts = [muon, AdamW(others, weight_decay=weight_decay, **adamw_settings)]
        super().__init__([group for part in self.parts for group in part.param_groups], {})

    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update the parameters with both optimizers."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of both, in the shape of a single optimizer's state."""
        states = [part.state_dict() for part in self.parts]
        return {
            "state": [state["state"] for state in states],
            "param_groups": [state["param_groups"] for state in states],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the states of both."""
        for part, state, groups in zip(self.parts, state_dict["state"], state_dict["param_groups"], strict=True):
            part.load_state_dict({"state": state, "param_groups": groups})
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def split_parameters(model: Any) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Split parameters into the matrices of the layers, and all others: norms, and embeddings of input and output."""
    embeddings = [
        module for module in (model.get_input_embeddings(), model.get_output_embeddings()) if module is not None
    ]
    vocabulary = {id(parameter) for module in embeddings for parameter in module.parameters()}
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for parameter in filter(lambda parameter: parameter.requires_grad, model.parameters()):
        (matrices if parameter.ndim == 2 and id(parameter) not in vocabulary else others).append(parameter)
    return matrices, others
