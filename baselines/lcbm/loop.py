"""Run the HF Trainer on packed rows with a held-out score, a log for plots, and complete checkpoints only."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Sized
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import is_deepspeed_available
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, IntervalStrategy

from baselines.lcbm.data import Ints
from baselines.lcbm.model import next_labels
from baselines.lcbm.optimizer import MuonAdamW
from baselines.lcbm.packing import IGNORED
from baselines.lcbm.recipe import Recipe
from corpus.progress import Shown, progress

COMPLETE = "complete"  # empty file, written into a checkpoint last
CHECKPOINTS_KEPT = 2
ZERO2 = Path(__file__).with_name("zero2.yaml")


def trainer_arguments(recipe: Recipe, folder: Path, seed: int) -> TrainingArguments:
    """Convert a recipe to the Trainer's arguments."""
    on_cpu = not torch.cuda.is_available()
    sharded = recipe.deepspeed is not None and not on_cpu and is_deepspeed_available()
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.micro_batch,
        per_device_eval_batch_size=recipe.micro_batch,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=round(recipe.warmup * recipe.steps),
        weight_decay=recipe.weight_decay,
        adam_beta2=recipe.adam_beta2,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused",
        bf16=recipe.precision == "bf16",
        deepspeed=yaml.safe_load(ZERO2.read_text(encoding="utf-8")) if sharded else None,
        train_sampling_strategy="sequential",  # the rows are already in the order of training
        dataloader_pin_memory=not on_cpu,
        ddp_find_unused_parameters=recipe.stage is not None,  # rows of repetition show nothing to what sees
        remove_unused_columns=False,
        logging_steps=recipe.log_every_steps,
        eval_strategy="steps",
        eval_steps=recipe.eval_every_steps,
        save_steps=recipe.save_every_steps,
        save_total_limit=CHECKPOINTS_KEPT,
        seed=seed,
        use_cpu=on_cpu,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        **({"activation_checkpointing": True} if recipe.gradient_checkpointing else {}),
    )


class PackedTrainer(Trainer):  # type: ignore[misc]
    """Trainer on packed rows; on held-out rows it sums the loss and the correctly predicted tokens of each row."""

    def prediction_step(self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
        """Compute the loss, and [rows, 3]: summed loss, correctly predicted tokens, and tokens with a label."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            outputs = model(**inputs)
        next_tokens = next_labels(inputs["labels"])
        labeled = torch.nonzero(next_tokens != IGNORED).squeeze(1)
        logits, truth = outputs.logits[0].float(), next_tokens[labeled]
        correct = (logits.argmax(-1) == truth).float()
        per_token = torch.stack([cross_entropy(logits, truth, reduction="none"), correct, torch.ones_like(correct)], 1)
        rows, width = inputs["labels"].shape
        sums = torch.zeros(rows, 3, device=per_token.device).index_add_(0, labeled // width, per_token)
        return outputs.loss.detach(), sums, torch.zeros(rows, device=per_token.device)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        try:
            super()._save_checkpoint(model, trial)
        except RuntimeError as error:  # torch's file writer gives no reason when the disk is full
            if "PytorchStreamWriter" in str(error) or "inline_container" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.args.output_dir) from error
            raise


def held_out_metrics(prediction: Any) -> dict[str, float]:
    """Compute loss per token and the share of correctly predicted tokens from the sums of the rows."""
    loss, correct, tokens = prediction.predictions.sum(0)
    return {"held_out_loss": float(loss / tokens), "held_out_accuracy": float(correct / tokens)}


def muon_adamw(model: Any, matrix_rate: float, args: TrainingArguments) -> MuonAdamW:
    """Make the optimizer, with the Trainer's settings for AdamW."""
    _, settings = Trainer.get_optimizer_cls_and_kwargs(args)
    return MuonAdamW(model, matrix_rate, settings, args.weight_decay)


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack rows into a batch."""
    return {name: torch.stack([torch.from_numpy(row[name]) for row in rows]) for name in rows[0]}


class Log(TrainerCallback):  # type: ignore[misc]
    """Shows progress, appends a line of JSON at each log, and marks complete checkpoints.

    A line has `step`, `tokens` and `elapsed_s` (seconds of training so far, summed over all starts), with `loss`,
    `learning_rate`, `gradient_norm` and `tokens_per_s`, or with `held_out_loss` and `held_out_accuracy`; the last line
    has `seconds` of the whole training.
    """

    def __init__(self, path: Path, tokens_per_step: int, title: str) -> None:
        self.path = path
        self.tokens_per_step = tokens_per_step
        self.title = title
        self.start_time = self.last_time = time.perf_counter()
        self.last_step = self.first_step = 0
        self.earlier_s = 0.0
        self.display: Shown | None = None
        self.open_display = ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Open the display at the step from which training continues."""
        self.first_step = self.last_step = state.global_step
        self.start_time = self.last_time = time.perf_counter()
        if state.is_world_process_zero:
            self.earlier_s = cut_log(self.path, state.global_step)
            context = progress(self.title, "steps", state.max_steps, state.global_step)
            self.display = self.open_display.enter_context(context)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Advance the display."""
        if self.display is not None:
            self.display.reach(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Append a line to the log."""
        if self.display is None:
            return
        line: dict[str, Any] = {"step": state.global_step, "tokens": state.global_step * self.tokens_per_step}
        now = time.perf_counter()
        line["elapsed_s"] = round(self.earlier_s + now - self.start_time, 1)
        if "eval_held_out_loss" in logs:
            line |= {name: logs[f"eval_{name}"] for name in ("held_out_loss", "held_out_accuracy")}
        elif "loss" in logs:
            rate = (state.global_step - self.last_step) * self.tokens_per_step / (now - self.last_time)
            line |= {"loss": logs["loss"], "learning_rate": logs["learning_rate"], "tokens_per_s": round(rate)}
            line |= {"gradient_norm": logs["grad_norm"]} if "grad_norm" in logs else {}
            self.display.detail = f"loss {logs['loss']:.3f}, {rate:,.0f} tokens/s"
        else:
            rate = (state.global_step - self.first_step) * self.tokens_per_step / (now - self.start_time)
            line |= {"seconds": line["elapsed_s"], "tokens_per_s": round(rate)}
        self.last_step, self.last_time = state.global_step, now
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Mark the checkpoint as complete."""
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / COMPLETE).touch()

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Close the display."""
        self.open_display.close()


def cut_log(path: Path, step: int) -> float:
    """Drop the log's lines after the step from which training continues; gives the seconds logged up to it."""
    if not path.is_file():
        return 0.0
    kept_lines, elapsed_s = [], 0.0
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # an interrupt left the line incomplete
            continue
        if line["step"] <= step and "seconds" not in line:
            kept_lines.append(text + "\n")
            elapsed_s = line.get("elapsed_s", elapsed_s)
    path.write_text("".join(kept_lines), encoding="utf-8")
    return elapsed_s


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint; None if there is none."""
    complete = [path.parent for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*/{COMPLETE}")]
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def drop_unfinished(folder: Path) -> None:
    """Remove checkpoints that an interrupt left half-written."""
    for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        if not (path / COMPLETE).exists():
            shutil.rmtree(path)


def run_loop(
    model: Any,
    args: TrainingArguments,
    rows: Dataset[dict[str, Ints]],
    held_out: Sized,
    log: Log,
    checkpoint: Path | None,
    matrix_rate: float | None = None,
    collator: Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]] = collate,
) -> dict[str, float]:
    """Train to the last step, from a checkpoint if given; returns the last held-out score ({} without rows).

    With `matrix_rate`, Muon trains the matrices of the layers at that learning rate.
    """
    if not len(held_out):
        args.eval_strategy = IntervalStrategy.NO
    trainer = PackedTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        eval_dataset=held_out,
        data_collator=collator,
        compute_metrics=held_out_metrics,
        callbacks=[log],
        optimizers=(None if matrix_rate is None else muon_adamw(model, matrix_rate, args), None),
    )
    trainer.remove_callback(PrinterCallback)
    with log.open_display:  # closes it also when training is stopped
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not len(held_out):
        return {}
    last_scores = [
        line for line in trainer.state.log_history if line["step"] == args.max_steps and "eval_held_out_loss" in line
    ]
    score = last_scores[-1] if last_scores else trainer.evaluate()
    return {name: score[f"eval_{name}"] for name in ("held_out_loss", "held_out_accuracy")}
