"""The tasks as lm-eval task files: plain lm-eval gives, to the last digit, what `cbc benchmark score` gives."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("torch")

import lm_eval
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.lm_eval.task_files import write_task_files
from benchmark.run import write_run
from benchmark.score import score
from benchmark.tasks.registry import TASKS, task_named

ROOT = Path(__file__).resolve().parents[2]
TASK_FILES = ROOT / "benchmark" / "lm_eval"


def manager(root, **metadata) -> TaskManager:
    named = {"bench": str(root), **metadata}
    return TaskManager(include_path=str(TASK_FILES), include_defaults=False, metadata=named)


def figures(results: dict) -> dict[tuple[str, str], float]:
    """(task, metric) -> value, of lm-eval's results."""
    return {
        (name.removeprefix("cbc_"), key.removesuffix(",none")): value
        for name, found in results.items()
        for key, value in found.items()
        if key.endswith(",none") and "_stderr" not in key
    }


def scored(run: Path, bench: Path) -> dict[tuple[str, str], float]:
    """The same of `cbc benchmark score`, with the number of unread answers as a metric."""
    rows = score(run, bench)
    values = {(row["task"], row["metric"]): row["value"] for row in rows}
    return values | {(row["task"], "unparsed"): row["unparsed"] for row in rows}


class Guesser(LM):
    """A model that answers nearly right, in the paper's form, illegally, or not at all, and chooses at random."""

    def __init__(self, answers: dict[str, str]) -> None:
        super().__init__()
        self.answers, self.said = answers, {}

    def generate_until(self, requests, disable_tqdm=False):
        return [self.say(request.doc) for request in requests]

    def say(self, doc) -> str:
        rng = random.Random(doc["instance_id"])
        lines = self.answers[doc["instance_id"]].split("\n")
        near = [line.replace("= ", f"= {rng.choice(['', '1', '2'])}", 1) for line in lines]
        kinds = [" " + "\n".join(lines), "\n".join(near), ", ".join(["50"] * len(lines)), "", "=-3", "so many words"]
        self.said[doc["instance_id"]] = rng.choice(kinds)
        return self.said[doc["instance_id"]]

    def loglikelihood(self, requests, disable_tqdm=False):
        scores = [(random.Random(str(request.args)).random(), False) for request in requests]
        for request, (value, _) in zip(requests, scores, strict=True):
            self.said.setdefault(request.doc["instance_id"], []).append(value)
        return scores

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError


def as_predictions(bench, task: str, said: dict) -> pl.DataFrame:
    """What the guesser said, read by the task's own parser."""
    rows = []
    for row in bench.public(task, "test").iter_rows(named=True):
        heard = said[row["instance_id"]]
        answer = task_named(task).answer
        if answer.name == "choice":
            values = [float(heard.index(max(heard)))]
        else:
            values = answer.parse(heard, len(row.get("asked") or [0]))
        rows.append({"instance_id": row["instance_id"], "values": values})
    return pl.DataFrame(rows, schema={"instance_id": pl.String, "values": pl.List(pl.Float64)})


def test_the_shipped_files_are_those_that_the_tasks_say(tmp_path):
    write_task_files(tmp_path)
    assert {path.name: path.read_text() for path in TASK_FILES.glob("*.yaml")} == {
        path.name: path.read_text() for path in tmp_path.iterdir()
    }


def test_the_path_is_printed_from_any_folder_and_a_file_in_the_way_is_named(cbc, tmp_path):
    command = [sys.executable, "-m", "cbc", "benchmark", "lm-eval-path"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()) == TASK_FILES
    (tmp_path / "file").write_text("mine")
    refused = cbc("benchmark", "lm-eval-tasks", "--out", tmp_path / "file")
    assert refused.returncode == 2 and refused.stderr.startswith("error: ") and "is a file" in refused.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_every_task_has_a_file_with_its_own_metrics():
    index = manager("unused").task_index
    assert {name for name in index if name != "cbc"} == {f"cbc_{task}" for task in TASKS}
    assert index["cbc"].tags == {f"cbc_{task}" for task in TASKS}
    for name, task in ((name, task_named(name)) for name in TASKS):
        config = index[f"cbc_{name}"].cfg
        assert config["output_type"] == {"values": "generate_until", "choice": "multiple_choice"}[task.answer.name]
        shown = [metric["metric"] for metric in config["metric_list"]]
        assert shown == [*(metric.name for metric in task.metrics), "unparsed"]


def test_read_wrong_illegal_and_unreadable_answers_score_the_same(small_bench, tmp_path):
    answers = {
        name: answer
        for task in small_bench.tasks
        for name, answer in small_bench.answers(task).select("instance_id", "answer").iter_rows()
    }
    guesser = Guesser(answers)
    results = lm_eval.simple_evaluate(guesser, tasks=["cbc"], task_manager=manager(small_bench.root), bootstrap_iters=0)
    predictions = {task: as_predictions(small_bench, task, guesser.said) for task in small_bench.tasks}
    write_run(tmp_path / "run", small_bench, "guesser", "lm", predictions, {})
    expected = scored(tmp_path / "run", small_bench.root)
    assert figures(results["results"]) == expected
    assert all(0 < expected[task, "unparsed"] < 40 for task in TASKS if task_named(task).answer.name == "values")


@pytest.fixture(scope="module")
def short_bench(small_bench, tmp_path_factory) -> Bench:
    """The same bench with six test questions a task: a model of random weights never ends its answers early."""
    root = tmp_path_factory.mktemp("short") / "bench"
    shutil.copytree(small_bench.root, root)
    for path in root.glob("p*/*/test.parquet"):
        pl.read_parquet(path).head(6).write_parquet(path)
    return Bench.open(root)


def command_of_lm_eval(model: Path, bench: Path, out: Path, *options: str) -> dict[tuple[str, str], float]:
    """Run lm-eval's own command from another folder, with this checkout's code, and read the results it writes."""
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={model}"]
    command += ["--include_path", str(TASK_FILES), "--tasks", "cbc", "--device", "cpu", "--batch_size", "8"]
    known = {**os.environ, "CBC_BENCH": str(bench), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    known["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [*command, "--output_path", str(out), *options], cwd=out, env=known, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return figures(json.loads(next(out.rglob("results_*.json")).read_text())["results"])


def test_the_command_of_lm_eval_gives_the_figures_of_cbc_with_examples(short_bench, tiny_llama, tmp_path):
    (tmp_path / "out").mkdir()
    plain = command_of_lm_eval(tiny_llama, short_bench.root, tmp_path / "out", "--num_fewshot", "2")
    predict_run(str(tiny_llama), short_bench.root, tmp_path / "run", Settings(shots=2, batch_size=8))
    assert plain == scored(tmp_path / "run", short_bench.root)
    assert {task for task, _ in plain} == set(TASKS)


def test_lm_evals_own_model_gives_the_figures_of_cbc_without_examples(short_bench, tiny_llama, tmp_path):
    model = lm_eval.api.registry.get_model("hf")(pretrained=str(tiny_llama), device="cpu", batch_size=8)
    tasks = manager(short_bench.root, pretrained=str(tiny_llama)).load(["cbc"])
    for task in tasks["tasks"].values():
        task.set_config("num_fewshot", 0)
    plain = figures(lm_eval.evaluate(model, tasks, bootstrap_iters=0)["results"])
    predict_run(str(tiny_llama), short_bench.root, tmp_path / "run", Settings(batch_size=8))
    assert plain == scored(tmp_path / "run", short_bench.root)


def load(root, name, **metadata):
    return manager(root, **metadata).load([name])["tasks"][name]


def test_examples_are_the_same_for_all_questions_and_solved_as_in_training(small_bench):
    task = load(small_bench.root, "cbc_replay_future")
    train = {row["instance_id"]: row for row in small_bench.public("replay_future", "train").to_dicts()}
    shown = [train[task.dataset["train"][i]["instance_id"]] for i in range(2)]
    assert len({train[task.dataset["train"][i]["instance_id"]]["group"] for i in range(8)}) > 2
    for doc in task.test_docs().select(range(3)):
        context = task.fewshot_context(doc, num_fewshot=2)
        parts = [f"{row['prompt']} {row['answer']}\n\n" for row in shown]
        assert context == "".join(parts) + doc["prompt"]


def test_hidden_answers_are_nowhere_in_the_documents(small_bench):
    for name in small_bench.tasks:
        task = load(small_bench.root, f"cbc_{name}", answers=False)
        assert set(task.dataset["test"]["answer"]) == {""}
        assert not any(task.dataset["test"]["target"]) and not any(task.dataset["test"]["chance"])


def test_the_validation_split_needs_no_private_part(small_bench, tmp_path):
    public = tmp_path / "bench"
    shutil.copytree(small_bench.root, public, ignore=shutil.ignore_patterns("private"))
    answers = dict(small_bench.public("views", "validation").select("instance_id", "answer").iter_rows())
    with_validation = manager(public, split="validation")
    results = lm_eval.simple_evaluate(
        Guesser(answers), tasks=["cbc_views"], task_manager=with_validation, bootstrap_iters=0
    )
    found = figures(results["results"])
    assert results["n-samples"]["cbc_views"]["effective"] == len(answers)
    assert 0 < found["views", "accuracy_rel10"] < 100
    with pytest.raises(Exception, match="holds no answers for views"):
        load(public, "cbc_views")


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"split": "rehearsal"}, "has no rehearsal questions for views"),
        ({"bench": "/no/bench"}, "no bench at /no/bench"),
        ({"bench": None}, "no bench is named"),
    ],
)
def test_a_slip_is_named(metadata, said, small_bench, monkeypatch):
    monkeypatch.delenv("CBC_BENCH", raising=False)
    with pytest.raises(Exception, match=said):
        load(small_bench.root, "cbc_views", **metadata)


def test_a_task_the_bench_lacks_is_named(small_bench, tmp_path):
    shutil.copytree(small_bench.root, tmp_path / "bench")
    manifest = json.loads((tmp_path / "bench" / "manifest.json").read_text())
    del manifest["tasks"]["views"]
    (tmp_path / "bench" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Exception, match="has no task views"):
        load(tmp_path / "bench", "cbc_views")


def test_there_is_room_for_the_longest_answer(small_bench, tiny_llama):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    for name in ("cbc_replay_all_masked", "cbc_like_view_ratio"):
        own = load(small_bench.root, name, pretrained=str(tiny_llama)).config.generation_kwargs["max_gen_toks"]
        unknown = load(small_bench.root, name).config.generation_kwargs["max_gen_toks"]
        answers = small_bench.public(name.removeprefix("cbc_"), "train")["answer"]
        longest = max(len(tokenizer(f" {answer}")["input_ids"]) for answer in answers)
        assert longest < own <= longest + 8 and longest < unknown
