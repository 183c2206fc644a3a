"""Language models through lm-eval: loading, speed that changes nothing, expected values, cut prompts, resuming."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")

from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: E402

from baselines.base import Settings, WrongSettings  # noqa: E402
from baselines.number_tokens import NumberTokens, SplitNumbers, WriteMeans, nearest_to_mean  # noqa: E402
from baselines.predict import predict_run  # noqa: E402
from baselines.prompted import NoModel, Prompted, load_task  # noqa: E402
from baselines.reader import Reader  # noqa: E402
from benchmark.metrics import QUANTILES  # noqa: E402
from benchmark.run import Run  # noqa: E402
from benchmark.score import score, scores_text  # noqa: E402
from benchmark.tables import make_tables  # noqa: E402
from corpus.files.written_once import HoldsOther  # noqa: E402

FEW = ("like_view_ratio", "tweet_likes_brand")


def requests(kind: str, arguments: list[tuple]) -> list[Instance]:
    return [Instance(kind, {}, args, i, ("task", i, 1)) for i, args in enumerate(arguments)]


def prompts(bench, task: str, count: int) -> list[str]:
    return bench.public(task, "test")["prompt"].head(count).to_list()


def test_generates_what_lm_evals_own_model_generates(small_bench, model, tokenizer):
    texts = [*prompts(small_bench, "replay_future", 3), *prompts(small_bench, "tweet_likes_brand", 4)]
    options = {"until": ["\n\n"], "max_gen_toks": 20, "do_sample": False}
    asked = [(text, dict(options)) for text in texts]
    own = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4).generate_until(requests("generate_until", asked))
    assert Reader(model, tokenizer, 4).generate_until(requests("generate_until", asked)) == own
    assert len(set(own)) > 3 and any(own)


def test_scores_options_as_lm_evals_own_model_does(small_bench, model, tokenizer):
    asked = [(text, f" {i + 1}") for text in prompts(small_bench, "speech_choice", 3) for i in range(25)]
    asked += [(text, f" {word}") for text in prompts(small_bench, "tweet_likes_brand", 3) for word in ("low", "high")]
    asked += [("", " low"), ("one line", " of several tokens, and more"), ("ends in a space ", "high")]
    own = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8).loglikelihood(requests("loglikelihood", asked))
    mine = Reader(model, tokenizer, 8).loglikelihood(requests("loglikelihood", asked))
    assert [greedy for _, greedy in mine] == [greedy for _, greedy in own]
    assert [value for value, _ in mine] == pytest.approx([value for value, _ in own], rel=1e-5)


def test_prompts_longer_than_the_context_are_counted(small_bench, model, tokenizer):
    reader = Reader(model, tokenizer, 4)
    reader._max_length = 64
    long, short = prompts(small_bench, "replay_future", 1)[0], "answer:"
    options = {"until": ["\n\n"], "max_gen_toks": 8, "do_sample": False}
    reader.generate_until(requests("generate_until", [(long, dict(options)), (short, dict(options))]))
    reader.loglikelihood(requests("loglikelihood", [(long + "?", " low"), (short + "?", " low")]))
    assert reader.truncated == {long, long + "?"}


class FondOfNumbers(LlamaForCausalLM):
    """A model that is likelier than others to write = and integers."""

    def forward(self, *args, **kwargs):
        outputs = super().forward(*args, **kwargs)
        outputs.logits = outputs.logits + self.fondness
        return outputs


def test_a_distribution_is_that_of_the_family_at_each_value(small_bench, tiny_llama, tokenizer):
    """What was kept while writing is what the whole text, read again without a cache, gives at each value."""
    model = FondOfNumbers.from_pretrained(tiny_llama).eval()
    family = [tokenizer(f" {value}")["input_ids"][0] for value in range(101)]
    model.fondness = torch.zeros(model.config.vocab_size)
    model.fondness[family], model.fondness[tokenizer(" =")["input_ids"][0]] = 0.5, 0.6
    numbers = NumberTokens({}, tokenizer, model.config.vocab_size, torch.device("cpu"))
    reader = Reader(model, tokenizer, 4, numbers)
    numbers.expect("replay_past")
    asked = [*(f"{text} scene 1 =" for text in prompts(small_bench, "replay_past", 5)), "a =", "many = 3\nmore ="]
    options = {"until": ["\n\n"], "max_gen_toks": 24, "do_sample": False}
    written = reader.generate_until(requests("generate_until", [(text, dict(options)) for text in asked]))
    compared = 0
    for prompt, answer in zip(asked, written, strict=True):
        context, ids = tokenizer(prompt)["input_ids"], tokenizer(answer)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([context + ids])).logits[0]
        texts = [tokenizer.decode([token]) for token in ids]
        ends = [tokenizer.decode(context)[-1], *(text.rstrip(" ")[-1:] for text in texts)]
        places = [
            place
            for place, (token, end) in enumerate(zip(ids, ends, strict=False))
            if token in family and end == "=" and not re.match(r"[\d.,]", [*texts, ""][place + 1])
        ]
        kept = reader.distributions[prompt][: len(places)]
        assert [place.written for place in kept] == [float(texts[place]) for place in places]
        for place, distribution in zip(places, kept, strict=True):
            chances = logits[len(context) + place - 1, family].double().softmax(0).numpy()
            assert distribution.mean == pytest.approx(chances @ np.arange(101), abs=1e-3)
            assert distribution.written == round(distribution.mean)
            for level, value in zip(QUANTILES, distribution.quantiles, strict=True):
                assert chances[: math.floor(value)].sum() - 1e-4 <= level
                assert level <= chances[: math.ceil(value) + 1].sum() + 1e-4
            assert (np.diff(distribution.quantiles) >= 0).all()
            compared += 1
    assert compared


def test_numbers_of_its_own_are_one_family_each(model, tokenizer):
    numbers = NumberTokens({"scenes": [" 0", " 50", " 100"], "none": []}, tokenizer, 5000, torch.device("cpu"))
    ids = torch.tensor([tokenizer("a = 51 or 50 and 100")["input_ids"]])
    assert [tokenizer.decode([token]) for token in ids[0][numbers.find_values(ids)[0]]] == [" 51", " 50", " 100"]
    logits = torch.full((5000,), 9.0)
    logits[numbers.families[-1].tokens] = torch.tensor([0.0, 1.0, 1.0])
    shares = np.exp([0, 1, 1]) / np.exp([0, 1, 1]).sum()
    token, distribution = nearest_to_mean(numbers.families[-1], logits)
    assert (tokenizer.decode([token]), distribution.written) == (" 50", 50)
    assert distribution.mean == pytest.approx(shares @ [0, 50, 100], rel=1e-6)


def test_only_whole_numbers_after_the_sign_are_values(tokenizer):
    tokens = NumberTokens({}, tokenizer, len(tokenizer) + 7, torch.device("cpu"))
    text = "scene 12: 7 up = 57\nscene 13: =8\nx = 4.5 = 1234 = 99 %"
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    chosen = [tokenizer.decode([token]) for token in ids[0][tokens.find_values(ids)[0]]]
    assert chosen == [" 57", "8", " 99"]


def test_a_tokenizer_that_splits_numbers_has_no_expected_values(tiny_llama, tokenizer):
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["model"]["merges"] = [pair for pair in state["model"]["merges"] if not any(c.isdigit() for c in pair[1])]
    used = {"".join(pair) for pair in state["model"]["merges"]}
    state["model"]["vocab"] = {
        text: index
        for text, index in state["model"]["vocab"].items()
        if text in used or len(text) == 1 or text.startswith("<|")
    }
    from tokenizers import Tokenizer

    digits = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)))
    with pytest.raises(SplitNumbers, match="splits numbers"):
        NumberTokens({}, digits, len(tokenizer), torch.device("cpu"))


def test_the_mean_of_a_number_is_written_and_other_text_as_it_is_likeliest(tokenizer):
    write = WriteMeans(NumberTokens({"likes": ["7", "9"]}, tokenizer, len(tokenizer), torch.device("cpu")))
    texts = ["scene 1: a =", "= 3 cats =", "a cat", "a cat"]
    tokens = [tokenizer(text)["input_ids"][-2:] for text in texts]
    scores = torch.full((4, len(tokenizer)), -20.0)
    for row, likely in enumerate(({" 0": 1.0, " 90": 0.9}, {" cat": 2.0, " 5": 1.0}, {" 0": 1.0, " 90": 0.9}, {})):
        for text, likelihood in likely.items():
            (token,) = tokenizer(text)["input_ids"]
            scores[row, token] = likelihood
    own = write.numbers.families[-1].tokens
    scores[3, own] = torch.tensor([0.0, 0.1])
    chosen = write(torch.tensor(tokens), scores.clone()).argmax(1)
    share = 1 / (1 + math.exp(-0.1))
    assert tokenizer.decode([chosen[0]]) == f" {round(90 * (1 - share))}"
    assert [tokenizer.decode([token]) for token in chosen[1:3]] == [" cat", " 0"]
    assert chosen[3] == own[1]
    write.numbers.expect("likes")
    assert write(torch.tensor(tokens), scores.clone()).argmax(1)[0] in own, "the task has numbers of its own"
    write.numbers.expect("replay_past")
    assert write(torch.tensor(tokens), scores.clone()).argmax(1)[0] not in own


def test_integers_before_decimals_or_a_unit_are_no_means_where_a_whole_message_is_asked(tokenizer):
    """The mean of 82 (of 82.6 thousand) and 2 (of 2.1 million) says nothing."""
    numbers = NumberTokens({}, tokenizer, len(tokenizer), torch.device("cpu"))
    ids = torch.tensor([tokenizer("views = 82")["input_ids"]])
    scores = torch.full((1, len(tokenizer)), -20.0)
    scores[0, tokenizer(" 82")["input_ids"][0]], scores[0, tokenizer(" 2")["input_ids"][0]] = 1.0, 0.9
    chosen = {}
    for task in ("replay_past", "views"):
        numbers.expect(task)
        token = WriteMeans(numbers)(ids[:, :-1], scores.clone()).argmax(1)
        chosen[task] = tokenizer.decode(token), bool(numbers.find_values(ids).any())
    assert chosen == {"replay_past": (" 44", True), "views": (" 82", False)}


def test_a_run_of_a_language_model_says_what_it_is(small_bench, tiny_llama, tmp_path):
    said = predict_run(str(tiny_llama), small_bench.root, tmp_path / "run", Settings(tasks=FEW, limit=4, shots=1))
    run = Run.open(tmp_path / "run", small_bench)
    assert (run.name, run.kind, run.tasks) == ("tiny-llama-1shot", "lm", list(FEW))
    assert run.manifest.partial and run.manifest.settings["shots"] == 1
    assert run.manifest.counts["tweet_likes_brand"] == {"answers": 4, "unparsed": 0, "truncated": 0}
    assert len(run.about["weights"]) == 64 and "8 answers" in said
    chosen = run.predictions("tweet_likes_brand")
    assert chosen["instance_id"].equals(small_bench.public("tweet_likes_brand", "test")["instance_id"].head(4))
    for values, scores, raw in chosen.select("values", "scores", "raw").iter_rows():
        assert len(scores) == 2 and scores[int(values[0])] == max(scores)
        assert raw == ("low", "high")[int(values[0])]


def test_a_trained_models_run_names_recipe_and_training_seed(small_bench, tiny_llama, tmp_path):
    shutil.copytree(tiny_llama, tmp_path / "model")
    training = {"recipe": {"name": "nano-lcbm", "variant": "behavior"}, "seed": 2, "bench": "ab12"}
    (tmp_path / "model" / "training.json").write_text(json.dumps(training))
    about = Prompted(str(tmp_path / "model"), Settings()).about()
    assert {"recipe": "nano-lcbm", "seed": 2, "trained_on": "ab12"}.items() <= about.items()
    assert "seed" not in Prompted(str(tiny_llama), Settings()).about()


def test_a_models_run_says_its_parameters_and_what_training_cost(tiny_llama, tmp_path):
    model = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    training = {
        "recipe": {"name": "nano-lcbm", "says": "small", "variant": "behavior"},
        "seed": 2,
        "bench": "ab",
        "tokens": 900,
    }
    (model / "training.json").write_text(json.dumps(training | {"repeated_tokens": 100}))
    (model / "log.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "seconds": 12.5}\n')
    about = Prompted(str(model), Settings()).about()
    assert (about["training"], about["training_tokens"], about["training_s"]) == ("small", 1000, 12.5)
    assert about["parameters"] == AutoModelForCausalLM.from_pretrained(tiny_llama).num_parameters()
    (model / "log.jsonl").write_text("[]\n")
    assert "recipe" not in Prompted(str(model), Settings()).about(), "a damaged folder says nothing"


def test_settings_of_decoding_are_in_the_name(small_bench, tiny_llama, tmp_path):
    settings = Settings(tasks=("replay_future",), limit=2, decode="distribution")
    predict_run(str(tiny_llama), small_bench.root, tmp_path / "run", settings)
    assert Run.open(tmp_path / "run", small_bench).name == "tiny-llama-distribution"


def test_a_stopped_run_asks_only_the_missing_tasks_and_needs_no_network(small_bench, tiny_llama, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    settings = Settings(tasks=FEW, limit=4)
    predict_run(str(tiny_llama), small_bench.root, tmp_path / "whole", settings)
    asked, answer = [], Prompted.predict

    def stops(self, bench, task, settings):
        asked.append(task)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return answer(self, bench, task, settings)

    monkeypatch.setattr(Prompted, "predict", stops)
    with pytest.raises(KeyboardInterrupt):
        predict_run(str(tiny_llama), small_bench.root, tmp_path / "run", settings)
    predict_run(str(tiny_llama), small_bench.root, tmp_path / "run", settings)
    assert asked == [FEW[0], FEW[1], FEW[1]]
    for task in FEW:
        file = Path("predictions") / f"{task}.parquet"
        assert (tmp_path / "run" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_another_model_at_the_same_place_is_another_run(small_bench, tiny_llama, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    settings = Settings(tasks=("tweet_likes_brand",), limit=4)
    predict_run(str(folder), small_bench.root, tmp_path / "run", settings)
    assert "nothing to do" in predict_run(str(folder), small_bench.root, tmp_path / "run", settings)
    changed = AutoModelForCausalLM.from_pretrained(folder)
    torch.nn.init.normal_(changed.lm_head.weight)
    changed.save_pretrained(folder)
    with pytest.raises(HoldsOther, match=r"weights: [0-9a-f…]+ there, [0-9a-f…]+ asked"):
        predict_run(str(folder), small_bench.root, tmp_path / "run", settings)
    shutil.rmtree(tmp_path / "run")
    assert "nothing to do" not in predict_run(str(folder), small_bench.root, tmp_path / "run", settings)


def test_a_model_under_the_name_of_a_reference_is_refused_before_it_is_asked(small_bench, tiny_llama, tmp_path):
    shutil.copytree(tiny_llama, tmp_path / "oracle")
    with pytest.raises(WrongSettings, match="rename the model's folder"):
        predict_run(str(tmp_path / "oracle"), small_bench.root, tmp_path / "run", Settings(limit=1))


@pytest.mark.parametrize(
    ("lost", "said"),
    [("config.json", "no config.json"), ("tokenizer*", "no tokenizer"), ("*.safetensors", "no safetensors weights")],
)
def test_a_folder_that_lacks_a_part_is_named(lost, said, tiny_llama, tmp_path):
    shutil.copytree(tiny_llama, tmp_path / "model", ignore=shutil.ignore_patterns(lost))
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(NoModel, match=said):
        Prompted(str(tmp_path / "model"), Settings())


def test_damaged_weights_are_named(tiny_llama, tmp_path):
    shutil.copytree(tiny_llama, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"half of it")
    with pytest.raises(NoModel, match="cannot be loaded as a causal language model"):
        Prompted(str(tmp_path / "model"), Settings()).prepare()


def test_code_that_lies_beside_the_weights_is_not_run(tiny_llama, tmp_path, small_bench):
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    predict_run(str(folder), small_bench.root, tmp_path / "run", Settings(tasks=("tweet_likes_brand",), limit=2))
    assert not (tmp_path / "ran").exists()


def test_a_hub_that_cannot_be_reached_is_said_in_one_line(small_bench, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(HfApi, "model_info", unreachable)
    with pytest.raises(NoModel, match=r"someone/model is no predictor.* the hub cannot be reached"):
        predict_run("someone/model", small_bench.root, tmp_path / "run", Settings())
    for name, meant in (("boostd", "boosted"), ("constent", "constant"), ("oracel", "oracle")):
        with pytest.raises(
            NoModel, match=rf"{name} is no predictor.*; did you mean {meant}\? else give a model folder"
        ):
            predict_run(name, small_bench.root, tmp_path / "run", Settings())
    with pytest.raises(NoModel) as error:
        predict_run("gpt2-like", small_bench.root, tmp_path / "run", Settings())
    assert "did you mean" not in str(error.value) and "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_prompts_that_lost_their_beginning_are_said_wherever_their_answers_are_judged(
    small_bench, tiny_llama, tmp_path
):
    folder = tmp_path / "short"
    shutil.copytree(tiny_llama, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    settings = Settings(tasks=("like_view_ratio", "views"), limit=3)
    said = predict_run(str(folder), small_bench.root, tmp_path / "run", settings)
    cut = Run.open(tmp_path / "run", small_bench).cut_prompts("views")
    assert cut == 3 and "6 prompts longer than the model's context, which lost their beginning" in said
    rows = score(tmp_path / "run", small_bench.root)
    assert {row["cut_prompts"] for row in rows} == {3}
    assert "\ncut in views: 3 prompts, which were longer than the model's context, lost" in scores_text(rows)
    make_tables([tmp_path / "run"], small_bench.root, tmp_path / "tables")
    page = (tmp_path / "tables" / "views.md").read_text()
    assert "Prompts longer than the model's context, which lost their beginning: short on test 3." in page


def test_a_short_context_leaves_half_of_it_to_the_question(small_bench, tiny_llama, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    frame = Prompted(str(folder), Settings()).predict(small_bench, "replay_all_masked", Settings(limit=2))
    assert frame["truncated"].all()
    asked = load_task(small_bench, "replay_all_masked", Settings(), str(folder))
    assert asked.config.generation_kwargs["max_gen_toks"] == 32


def test_more_examples_than_there_are_is_refused(small_bench, tiny_llama):
    with pytest.raises(WrongSettings, match="has 64 training questions, fewer than 65"):
        Prompted(str(tiny_llama), Settings(shots=65)).predict(small_bench, "views", Settings(shots=65))


def test_predictions_hold_raw_text_and_what_was_read_of_it(small_bench, tiny_llama):
    frame = Prompted(str(tiny_llama), Settings()).predict(small_bench, "like_view_ratio", Settings(limit=3))
    assert frame["instance_id"].to_list() == small_bench.public("like_view_ratio", "test")["instance_id"][:3].to_list()
    assert frame.schema["values"] == pl.List(pl.Float64) and frame["raw"].null_count() == 0
