# `make` alone lists what can be asked for. Everything happens in ./.venv and ./build; both can be deleted at any time.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# glibc gives large tensors' memory back to the system at every free, which costs as much time as the arithmetic: keep it
# (as colorlab.allocator does).
export MALLOC_MMAP_MAX_ ?= 0
export MALLOC_TRIM_THRESHOLD_ ?= 2147483647

.DEFAULT_GOAL := help
.PHONY: help setup run run-all test test-browser lab labs book data bench gpu gpu-check gpu-bench gpu-train gpu-notebooks clean
.DELETE_ON_ERROR:

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

# Made again whenever pyproject.toml changes. The last line draws nothing: it lets matplotlib build its font list now, not in a notebook.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("colorlab needs Python 3.10 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo "setting up $(VENV): some minutes, and several GB where PyTorch brings CUDA"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --editable '.[test]'
	@$(PY) -c 'import matplotlib.pyplot'
	@touch $@

setup: $(STAMP)  ## make ./.venv with all that is needed to run and to test
	@echo "ready: $$($(PY) --version), $$($(PY) -c 'import torch; print("torch", torch.__version__, "with a GPU" if torch.cuda.is_available() else "without a GPU")')"

run: $(STAMP)  ## run notebooks 00-06 (laptop budget, embedded photographs) into build/index.html
	@$(PY) notebooks/run.py --budget "$${COLORLAB_BUDGET:-laptop}"

run-all: $(STAMP)  ## the same for every notebook
	@$(PY) notebooks/run.py --budget "$${COLORLAB_BUDGET:-laptop}" --all

test: $(STAMP)  ## unit tests, the notebooks' contract, and every notebook at smoke budget; no network
	@$(PY) -m pytest

test-browser: $(STAMP)  ## the notebooks in a real JupyterLab and Chromium; skipped where there is none
	@$(PY) -m pytest tests/browser -rs

lab: $(STAMP)  ## open JupyterLab on the notebooks (LAB='--allow-root --no-browser' passes options on)
	@if [ -d "$$COLORLAB_PHOTOS" ]; then export COLORLAB_PHOTOS="$$(cd "$$COLORLAB_PHOTOS" && pwd)"; fi; \
	$(PY) -m jupyterlab $(LAB) --ServerApp.root_dir=. notebooks/00_start_here.ipynb

book: $(STAMP)  ## the stored notebooks and a glossary as a site to read on a phone or offline, in build/book/index.html
	@$(PY) notebooks/book.py

# The zip holds each lab beside the package, so that unpacked it runs wherever PyTorch and the other requirements are, without a network.
LABS = $(notdir $(wildcard notebooks/labs/source/*))
labs: $(STAMP)  ## the course labs: student versions in notebooks/labs/student, solutions with outputs and a zip in build/labs
	@rm -rf build/labs/solution build/labs/offline && mkdir -p build/labs/offline
	@cd notebooks/labs && export PATH="$(abspath $(VENV))/bin:$$PATH" && for lab in $(LABS); do nbgrader generate_assignment $$lab --force || exit; done
	@cp -r notebooks/labs/source build/labs/solution && $(PY) -m nbconvert --to notebook --execute --inplace build/labs/solution/*/*.ipynb
	@cp notebooks/labs/student/*/*.ipynb build/labs/offline && cp -r colorlab build/labs/offline
	@find build/labs/offline -name __pycache__ -prune -exec rm -rf {} +
	@cd build/labs/offline && $(abspath $(PY)) -m zipfile -c ../labs.zip *

data: $(STAMP)  ## download Imagenette (about 100 MB), the one thing here that uses the network
	@$(PY) -c 'from colorlab import photos; print(len(photos.load("imagenette", download=True)), "photographs are ready")'

bench: $(STAMP)  ## each goal of speed and memory as a ratio, beside other libraries (BENCH='--only lab --json FILE')
	@$(PY) -m pip install --quiet --editable '.[test,bench]'
	@env -u MALLOC_MMAP_MAX_ -u MALLOC_TRIM_THRESHOLD_ $(PY) tests/benchmarks $(BENCH)

gpu: gpu-check gpu-bench gpu-train gpu-notebooks  ## on a machine with a GPU: the four below, each of them some minutes

gpu-check: $(STAMP)  ## the fused kernels against float64 on the GPU
	@$(PY) -m pytest -q tests/kernels/against_float64.py

gpu-bench: $(STAMP)  ## the fused kernels beside the memory's speed and the plain way, into results/kernels-gpu.json
	@$(PY) -c 'import kornia' 2>/dev/null || $(PY) -m pip install --quiet --editable '.[test,bench]' || echo "going on without kornia"
	@$(PY) tests/benchmarks --only gpu --json results/kernels-gpu.json

gpu-train: $(STAMP)  ## a full-width generator on COLORLAB_PHOTOS, into build/gpu; stopped, it goes on when called again (TRAIN='--steps 60000')
	@if [ -z "$$COLORLAB_PHOTOS" ]; then echo "gpu-train: left out, for COLORLAB_PHOTOS names no folder of photographs"; else \
	$(PY) -m colorlab train --photos "$$COLORLAB_PHOTOS" --cache build/decoded --out build/gpu --width 1 --crop 176 --batch 64 --average 0.999 --steps 20000 $(TRAIN) && \
	$(PY) -m colorlab judge --photos "$$COLORLAB_PHOTOS" --weights build/gpu/generator.safetensors --discriminator fresh --json build/gpu/judged.json; fi

gpu-notebooks: $(STAMP)  ## notebooks 00-06 at gpu budget
	@$(PY) notebooks/run.py --budget gpu

clean:  ## delete what was built (build/); `rm -rf .venv` for the environment too
	rm -rf build dist .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
