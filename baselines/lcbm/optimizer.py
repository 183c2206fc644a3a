"""Combine Muon for the matrices of the layers and AdamW for all other parameters in a single optimizer.

Muon (torch.optim.Muon) orthogonalizes each update before it is applied. Without it the nano models do not learn to
repeat within their number of steps (docs/results/ablations.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import AdamW, Muon, Optimizer

MOMENTUM = 0.95


class MuonAdamW(Optimizer):
    """Muon and AdamW with joined parameter groups, so that a single schedule sets both rates, and joined states."""

    def __init__(self, model: Any, matrix_rate: float, adamw_settings: dict[str, Any], weight_decay: float) -> None:
        matrices, others = split_parameters(model)
        muon = Muon(matrices, lr=matrix_rate, momentum=MOMENTUM, weight_decay=weight_decay)
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
