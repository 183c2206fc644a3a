"""Training end to end at toy size: what it writes and refuses, and that an interrupt changes no byte."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")

from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM  # noqa: E402

from baselines.base import Settings  # noqa: E402
from baselines.lcbm.answer_numbers import read_numbers  # noqa: E402
from baselines.lcbm.data import UnknownTask  # noqa: E402
from baselines.lcbm.packing import NothingToTrain  # noqa: E402
from baselines.lcbm.recipe import BadRecipe, load_recipe  # noqa: E402
from baselines.lcbm.tokenizer import load_tokenizer, train_tokenizer  # noqa: E402
from baselines.lcbm.train import OtherModel, make_soft_labels, train  # noqa: E402
from baselines.predict import predict_run  # noqa: E402
from baselines.prompted import Prompted, load_task  # noqa: E402
from benchmark.bench import Bench  # noqa: E402
from benchmark.build import build_bench  # noqa: E402
from benchmark.run import Run  # noqa: E402
from corpus.errors import Busy, NoSuchPath  # noqa: E402
from corpus.files.written_once import HoldsOther  # noqa: E402
from corpus.simulate.world import simulate  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TOY = {
    "scratch": {"vocab_size": 1500, "hidden_size": 16, "intermediate_size": 32, "layers": 1, "heads": 2},
    "tasks": ["replay_future", "tweet_likes_brand"],
    "steps": 6,
    "repetition": 0.3,
    "context_tokens": 768,
    "micro_batch": 2,
    "save_every_steps": 2,
    "eval_every_steps": 3,
    "eval_rows": 2,
    "log_every_steps": 1,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    simulate(folder / "corpus", world="clear", brands=9, videos=5, posts=30, emails=0)
    build_bench(folder / "corpus", folder / "bench", mask_draws=1)
    return folder / "bench"


@pytest.fixture(scope="module")
def trained(bench, tmp_path_factory) -> Path:
    return train("nano-lcbm", bench, tmp_path_factory.mktemp("models") / "lcbm", overrides=TOY)


def files(folder: Path) -> dict[str, bytes]:
    """All but the log, which tells times."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "log.jsonl"}


def lines(model: Path) -> list[dict]:
    return [json.loads(line) for line in (model / "log.jsonl").read_text().splitlines()]


def test_the_model_is_an_ordinary_folder_that_answers(trained):
    assert {"model.safetensors", "config.json", "tokenizer.json", "training.json", "log.jsonl"} <= {
        path.name for path in trained.iterdir()
    }
    model, tokenizer = AutoModelForCausalLM.from_pretrained(trained), load_tokenizer(trained)
    assert type(model) is LlamaForCausalLM and model.config.vocab_size == len(tokenizer)
    prompt = tokenizer("scene 1: a dog = 3\nanswer:", return_tensors="pt")["input_ids"]
    told = model.generate(prompt, max_new_tokens=4, do_sample=False)
    assert told.shape == (1, prompt.shape[1] + 4)
    assert read_numbers(trained) == {} and Prompted(str(trained), Settings()).default_decode == "distribution"
    assert not trained.with_name("lcbm.part").exists()


def test_the_manifest_says_what_was_trained_on_what(trained, bench):
    about = json.loads((trained / "training.json").read_text())
    assert (about["bench"], about["seed"], about["recipe"]["variant"]) == (Bench.open(bench).fingerprint, 0, "behavior")
    assert (about["steps"], about["tokens"], about["repeated_tokens"]) == (6, 4 * 2 * 768, 2 * 2 * 768)
    assert 0 < about["learnt_tokens"] < about["text_tokens"] <= about["tokens"]
    assert set(about["tasks"]) == set(TOY["tasks"]) and about["truncated"] == 0
    assert 0 <= about["held_out"]["held_out_accuracy"] <= 1 and about["held_out"]["held_out_loss"] > 0


def test_the_log_can_be_plotted(trained):
    steps = [line for line in lines(trained) if "loss" in line]
    held_out = [line for line in lines(trained) if "held_out_loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert all({"loss", "learning_rate", "tokens_per_s"} <= set(line) for line in steps)
    assert [line["tokens"] for line in steps] == [1536 * step for step in range(1, 7)]
    assert [line["step"] for line in held_out] == [3, 6]
    elapsed = [line["elapsed_s"] for line in lines(trained)]
    assert elapsed == sorted(elapsed) and lines(trained)[-1]["seconds"] == elapsed[-1]


def test_the_three_variants_see_equal_tokens_in_equal_steps(trained, bench, tmp_path):
    models = [trained] + [train(name, bench, tmp_path / name, overrides=TOY) for name in ("nano-control", "nano-base")]
    about = [json.loads((model / "training.json").read_text()) for model in models]
    assert [found["recipe"]["variant"] for found in about] == ["behavior", "control", "content"]
    assert len({(found["steps"], found["tokens"], found["tokenizer"], found["parameters"]) for found in about}) == 1
    texts = [found["text_tokens"] for found in about]
    assert max(texts) < 1.02 * min(texts)
    assert len({(model / "model.safetensors").read_bytes() for model in models}) == 3


def test_a_finished_model_is_left_as_it_is(trained, bench):
    before = {path: path.stat().st_mtime_ns for path in trained.iterdir()}
    assert train("nano-lcbm", bench, trained, overrides=TOY) == trained
    assert {path: path.stat().st_mtime_ns for path in trained.iterdir()} == before


def test_a_folder_of_something_else_is_refused(trained, bench, tmp_path):
    with pytest.raises(HoldsOther, match=r"seed: 0 there, 1 asked"):
        train("nano-lcbm", bench, trained, seed=1, overrides=TOY)
    with pytest.raises(HoldsOther, match=r"recipe.steps: 6 there, 7 asked"):
        train("nano-lcbm", bench, trained, overrides={**TOY, "steps": 7})
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OtherModel, match="not a model of cbc"):
        train("nano-lcbm", bench, tmp_path, overrides=TOY)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_bad_requests_leave_nothing_behind(bench, tmp_path):
    with pytest.raises(UnknownTask, match="no task replay_never; its tasks: replay_past"):
        train("nano-lcbm", bench, tmp_path / "a", overrides={**TOY, "tasks": ["replay_never"]})
    with pytest.raises(NothingToTrain, match="nano-lcbm leaves out every task of the bench"):
        train("nano-lcbm", bench, tmp_path / "a", overrides={**TOY, "tasks_left_out": [*TOY["tasks"], "of_no_bench"]})
    with pytest.raises(NoSuchPath):
        train("nano-lcbm", tmp_path / "nowhere", tmp_path / "b", overrides=TOY)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NothingToTrain):
        train("nano-lcbm", bench, tmp_path / "c", overrides={**TOY, "weights": dict.fromkeys(TOY["tasks"], 0)})


COMMAND = """
import sys, yaml
from pathlib import Path
from baselines.lcbm.train import train
overrides = yaml.safe_load(Path(sys.argv[1]).read_text())
train("nano-lcbm", Path(sys.argv[2]), Path(sys.argv[3]), overrides=overrides)
"""


def start(bench: Path, out: Path) -> subprocess.Popen:
    overrides = out.with_name("overrides.yaml")
    overrides.write_text(yaml.safe_dump(TOY))
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(overrides), str(bench), str(out)], cwd=ROOT, env=os.environ.copy()
    )


def test_two_processes_train_as_one_does(bench, tmp_path):
    """Under torchrun with gloo: half of each step's rows in each; equal losses, and equal weights but for rounding."""
    settings = {**TOY, "micro_batch": 1, "log_every_steps": 1}
    one = train("nano-lcbm", bench, tmp_path / "one", overrides={**settings, "accumulation": 2})
    (tmp_path / "train.py").write_text(COMMAND)
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [str(tmp_path / name) for name in ("train.py", "settings.yaml")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*launcher, *arguments, str(bench), str(tmp_path / "two")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    losses = [[line["loss"] for line in lines(model) if "loss" in line] for model in (one, tmp_path / "two")]
    assert len(losses[0]) == TOY["steps"]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    held_out = [json.loads((model / "training.json").read_text())["held_out"] for model in (one, tmp_path / "two")]
    assert held_out[1]["held_out_loss"] == pytest.approx(held_out[0]["held_out_loss"], rel=1e-4)
    first, second = (AutoModelForCausalLM.from_pretrained(model).state_dict() for model in (one, tmp_path / "two"))
    assert all(torch.allclose(first[name], second[name], atol=2e-3) for name in first)
    assert not (tmp_path / "two.part").exists()


def kill_when(process: subprocess.Popen, there: Path) -> bool:
    """Kill as soon as a path exists; False if the process ended before."""
    while process.poll() is None:
        if there.exists():
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.001)
    return False


@pytest.fixture(scope="module")
def killed(bench, tmp_path_factory) -> Path:
    """What a training leaves that was killed after its fourth step."""
    out = tmp_path_factory.mktemp("killed") / "lcbm"
    assert kill_when(start(bench, out), out.with_name("lcbm.part") / "checkpoint-4" / "complete")
    return out.with_name("lcbm.part")


def test_a_killed_training_of_something_else_is_not_lost(killed, bench, tmp_path):
    shutil.copytree(killed, tmp_path / "lcbm.part")
    before = files(tmp_path / "lcbm.part" / "checkpoint-4")
    with pytest.raises(HoldsOther, match=r"unfinished training \(seed: 0 there, 1 asked\); .*--no-resume"):
        train("nano-lcbm", bench, tmp_path / "lcbm", seed=1, overrides=TOY)
    assert files(tmp_path / "lcbm.part" / "checkpoint-4") == before


def test_a_killed_training_goes_on_from_its_last_checkpoint_to_the_same_bytes(trained, killed, bench, tmp_path):
    remains = shutil.copytree(killed, tmp_path / "lcbm.part")
    assert not killed.with_name("lcbm").exists()
    earlier = [{**line, "elapsed_s": 500.0} for line in lines(remains)]
    with (remains / "log.jsonl").open("w") as log:
        log.write("".join(json.dumps(line) + "\n" for line in earlier))
        log.write('{"step": 5, "tokens": 7680, "loss": 999.0}\n{"step": 5, "tok')
    out = train("nano-lcbm", bench, tmp_path / "lcbm", overrides=TOY)
    assert files(out) == files(trained)
    assert [line["step"] for line in lines(out) if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert all(line.get("loss", 0) < 100 for line in lines(out))
    assert not remains.exists()
    assert lines(out)[-1]["seconds"] >= 500, "the time before the kill counts too"


@pytest.mark.parametrize("moment", ["train.part/ends.bin", "checkpoint-2/model.safetensors", "model"])
def test_a_kill_at_any_moment_changes_no_byte(trained, bench, tmp_path, moment):
    out = tmp_path / "lcbm"
    assert kill_when(start(bench, out), tmp_path / "lcbm.part" / moment)
    assert not out.exists()
    train("nano-lcbm", bench, out, overrides=TOY)
    assert files(out) == files(trained)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["lcbm"]


def test_a_half_written_checkpoint_is_not_used(trained, killed, bench, tmp_path):
    shutil.copytree(killed, tmp_path / "lcbm.part")
    broken = shutil.copytree(killed / "checkpoint-4", tmp_path / "lcbm.part" / "checkpoint-5")
    (broken / "complete").unlink()
    (broken / "model.safetensors").write_bytes(b"half")
    assert files(train("nano-lcbm", bench, tmp_path / "lcbm", overrides=TOY)) == files(trained)


def test_another_seed_does_not_go_on_from_the_remains_of_the_first(trained, killed, bench, tmp_path):
    shutil.copytree(killed, tmp_path / "lcbm.part")
    other = train("nano-lcbm", bench, tmp_path / "lcbm", seed=1, overrides=TOY, resume=False)
    assert files(other)["model.safetensors"] != files(trained)["model.safetensors"]
    assert [line["step"] for line in lines(other) if "loss" in line] == [1, 2, 3, 4, 5, 6]


def test_two_trainings_do_not_share_a_folder(bench, tmp_path):
    (tmp_path / "lcbm.part").mkdir()
    with (tmp_path / "lcbm.part" / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="written by another process"):
            train("nano-lcbm", bench, tmp_path / "lcbm", overrides=TOY)


@pytest.fixture
def base(tmp_path):
    tokenizer = train_tokenizer(["a red car = "], 640)
    tokenizer.save_pretrained(tmp_path / "base")
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **size))
    model.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


SMOL = {"steps": 2, "context_tokens": 512, "micro_batch": 2, "tasks": ["views"], "learning_rate": 0.1}


def test_a_base_learns_numbers_as_tokens_of_its_own(bench, base, tmp_path):
    out = train("smol-lcbm", bench, tmp_path / "tuned", overrides={**SMOL, "base": str(base)})
    before, after = (AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32) for path in (base, out))
    old, new = (AutoTokenizer.from_pretrained(path) for path in (base, out))
    numbers = read_numbers(out)
    assert set(numbers) == {"views"} and len(numbers["views"]) > 20
    tokens = [new(text)["input_ids"] for text in numbers["views"]]
    assert all(len(ids) == 1 and ids[0] >= len(old) for ids in tokens)
    rows = before.get_input_embeddings().weight.shape[0]
    embeddings = [model.get_input_embeddings().weight.detach() for model in (before, after)]
    assert torch.equal(embeddings[0], embeddings[1][:rows]), "words keep their embeddings"
    spelled = torch.stack([embeddings[0][old(text)["input_ids"]].mean(0) for text in numbers["views"]])
    moved = (embeddings[1][[ids[0] for ids in tokens]] - spelled).abs().amax(1)
    assert (moved > 0).sum() > 5, "numbers that were seen are learnt"
    predict_run(str(out), bench, tmp_path / "run", Settings(limit=8))
    answers = Run.open(tmp_path / "run", Bench.open(bench)).predictions("views")
    assert answers["quantiles"].drop_nulls().list.len().unique().to_list() in ([], [25])


def test_a_model_is_asked_with_the_room_that_its_own_answers_take(bench, tmp_path):
    size = {"scratch.hidden_size": 16, "scratch.intermediate_size": 16, "scratch.layers": 1, "micro_batch": 2}
    few = {"tasks": ["like_view_ratio"], "weights": {}, "steps": 2, "most_questions": 40, "scratch.vocab_size": 4000}
    out = train("real-lcbm", bench, tmp_path / "real", overrides={**size, **few})
    assert json.loads((out / "training.json").read_text())["tasks"]["like_view_ratio"]["examples"] in range(20, 41)
    assert json.loads((out / "config.json").read_text())["answer_tokens"] == 2, "a number and the end of the text"
    opened = Bench.open(bench)
    room = load_task(opened, "like_view_ratio", Settings(), str(out)).config.generation_kwargs["max_gen_toks"]
    assert room == 4


def test_soft_labels_of_scenes_need_a_token_for_each_integer():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    characters = {character: number for number, character in enumerate(" 0123456789")}
    digits = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE(vocab=characters, merges=[])))
    recipe = load_recipe("real-lcbm", {"numbers.scene_spread": 2.0})
    with pytest.raises(BadRecipe, match=r"real-lcbm: numbers\.scene_spread needs a tokenizer with one token for each"):
        make_soft_labels(recipe, digits, {})


def test_a_twin_of_random_weights_keeps_nothing_of_its_base_but_the_size(bench, base, tmp_path):
    out = train(
        "smol-random", bench, tmp_path / "twin", seed=1, overrides={**SMOL, "base": str(base), "learning_rate": 1e-6}
    )
    before, after = (AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32) for path in (base, out))
    name = "model.layers.0.mlp.up_proj.weight"
    weights = [model.state_dict()[name] for model in (before, after)]
    assert weights[0].shape == weights[1].shape
    assert abs(torch.corrcoef(torch.stack([weight.flatten() for weight in weights]))[0, 1]) < 0.2


def test_the_recipe_of_a_current_model_trains_its_kind_with_numbers_of_its_own(bench, base, tmp_path):
    from transformers import Qwen3Config, Qwen3ForCausalLM

    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8}
    tokenizer = AutoTokenizer.from_pretrained(base)
    small = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer) + 9, num_key_value_heads=1, **size))
    small.save_pretrained(tmp_path / "qwen")
    tokenizer.save_pretrained(tmp_path / "qwen")
    out = train("qwen-lcbm", bench, tmp_path / "tuned", overrides={**SMOL, "base": str(tmp_path / "qwen")})
    assert json.loads((out / "config.json").read_text())["model_type"] == "qwen3"
    assert set(read_numbers(out)) == {"views"} and (out / "adapter" / "adapter_model.safetensors").is_file()
    predict_run(str(out), bench, tmp_path / "run", Settings(limit=4))
    assert len(Run.open(tmp_path / "run", Bench.open(bench)).predictions("views")) == 4


@pytest.mark.parametrize("recipe", ["lcbm-13b", "base-13b"])
def test_the_13b_recipes_train_any_llama_with_the_same_code(bench, base, tmp_path, recipe):
    small = {"base": str(base), "steps": 2, "context_tokens": 1024, "micro_batch": 1, "accumulation": 2}
    out = train(
        recipe, bench, tmp_path / "tuned", overrides={**small, "tasks": ["tweet_likes_brand"], "learning_rate": 0.1}
    )
    before, after = (AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16) for path in (base, out))
    moved = [name for name, weight in after.state_dict().items() if not torch.equal(weight, before.state_dict()[name])]
    assert moved and all("_proj" in name for name in moved)
    assert (out / "adapter" / "adapter_model.safetensors").is_file()
    assert json.loads((out / "training.json").read_text())["recipe"]["lora"]["dropout"] == 0.05
