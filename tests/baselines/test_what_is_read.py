"""What is dealt anew is the part that is named alone; the questions as they are give the scores as they are."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.score import score
from benchmark.tasks.registry import task_named
from studies import what_is_read
from studies.what_is_read import MEASURES, PARTS, dealt, measure

TASKS = list(dict.fromkeys(task for task, _ in MEASURES))


def lines(prompt: str) -> dict[str, str]:
    return dict(line.partition(": ")[::2] for line in prompt.splitlines())


@pytest.mark.parametrize("task", TASKS)
def test_prompts_are_written_as_they_were_where_nothing_is_dealt(small_bench, task):
    questions = small_bench.panel(task)
    assert dealt(task_named(task), questions, (), 0)["prompt"].equals(questions["prompt"])


@pytest.mark.parametrize(("part", "heads"), [("words", {"title", "about"}), ("followers", {"subscribers"})])
def test_a_part_is_dealt_among_the_questions_and_all_else_stays(small_bench, part, heads):
    questions = small_bench.panel("like_view_ratio")
    changed = dealt(task_named("like_view_ratio"), questions, PARTS[part], 0)
    before, after = (list(map(lines, frame["prompt"])) for frame in (questions, changed))
    (head,) = heads & set(before[0])
    assert sorted(prompt[head] for prompt in before) == sorted(prompt[head] for prompt in after)
    assert sum(old[head] != new[head] for old, new in zip(before, after, strict=True)) > len(before) / 4
    scenes = {f"scene {number}" for number in range(1, 101)} if part == "words" else set()
    for old, new in zip(before, after, strict=True):
        kept = set(old) - heads - scenes
        assert {name: old[name] for name in kept} == {name: new[name] for name in kept}
    assert changed.drop("prompt", *PARTS[part], strict=False).equals(
        questions.drop("prompt", *PARTS[part], strict=False)
    )


def test_each_part_has_a_row_and_nothing_dealt_gives_the_scores_of_the_bench(
    small_bench,
    tiny_llama,
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr(what_is_read, "PARTS", {name: PARTS[name] for name in ("words", "views shown")})
    bench = Bench(small_bench.root, small_bench.manifest | {"tasks": {"views": small_bench.tasks["views"]}})
    part = measure([str(tiny_llama)], bench)
    assert [row[:2] for row in part.rows] == [("tiny-llama", name) for name in ("nothing", "words", "views shown")]
    predict_run(str(tiny_llama), small_bench.root, tmp_path / "run", Settings(tasks=("views",), panel=True))
    (value,) = [row["value"] for row in score(tmp_path / "run", small_bench.root) if row["metric"] == "rmse_log10"]
    assert part.rows[0][2] == pytest.approx(value) and part.rows[2][2] == "-"
