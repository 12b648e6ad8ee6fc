# `make demo` and `make test` need python3 and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DEMO := runs/demo

.PHONY: demo test commands rooms lint soak cut-off ranks clean

# Learn the language reference of Python, continue it, compare two sentences, draw the gradient.
# --resume: what was trained is not trained again, what was interrupted goes on.
demo: .venv/.package
	$(BIN)/bptt train lm -o $(DEMO) --epochs 8 --dropout 0.1 --log-every 10 --resume
	$(BIN)/bptt sample $(DEMO) --prompt "The import statement" --length 300 --temperature 0.4 --seed 4 -n 3
	$(BIN)/bptt score $(DEMO) docs/demo/sentences.txt
	$(BIN)/bptt inspect $(DEMO) --figures $(DEMO)/figures

test: lint
	$(BIN)/mypy
	+@$(MAKE) --no-print-directory -j2 commands rooms

# Two halves of about the same length, side by side: the first starts many processes of its own.
OUTSIDE := plugins test_cli_*.py test_runtime_*.py test_report_*.py

commands:
	$(BIN)/pytest $(wildcard $(addprefix tests/,$(OUTSIDE)))

rooms:
	$(BIN)/pytest $(addprefix --ignore-glob=tests/,$(OUTSIDE))

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tests/words.py

# Damaged inputs in great number, and trainings killed; tables of what came of them: docs/reliability.md.
# Some 40 minutes.
soak: .venv/.dev
	PYTHONPATH=tests $(BIN)/python -m soak
	PYTHONPATH=tests $(BIN)/python -m soak.kills

# Two hosts as network namespaces, one cut off in the middle of a training: docs/scaling.md. As root, some minutes.
cut-off: .venv/.dev
	$(BIN)/python tests/cut_off.py

# Every job on 1, 2 and 4 processes, a checksum of the weights for each: docs/scaling.md. Some 20 minutes.
ranks: .venv/.dev
	PYTHONPATH=tests $(BIN)/python -m ranks_table

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache $(DEMO)

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.package: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing bptt and what it needs into .venv (torch is large; once only)"
	$(INSTALL) -e .
	@touch $@

.venv/.dev: .venv/.package
	$(INSTALL) -e '.[dev]'
	@touch $@
