# The words a contributor needs; what they do stands in dev/.
PREFIX = /usr/local
DESTDIR =
N = 300
SEED = 1
SECONDS = 10
ARGS =
BUILD = build
bindir = $(DESTDIR)$(PREFIX)/bin
packdir = $(DESTDIR)$(PREFIX)/share/attune/packs

.PHONY: build deps run test crash cancels fuzz bench check fmt install clean
.NOTPARALLEL:

build:
	@dev/build build attune --buildtype=release

deps:
	@dev/deps build run test

run:
	@dev/deps build run
	@dev/build build attune --buildtype=release
	@build/attune up --demo --data-dir .attune $(ARGS)

test: deps
	@dev/test

crash: deps
	@dev/build build-test attune -Db_sanitize=address,undefined -Db_lundef=false --buildtype=debugoptimized
	@dev/with-servers /usr/bin/python3 tests/crash/crash.py -n $(N) --seed $(SEED) $(ARGS)

cancels: deps
	@dev/build build-test tests/unit/runtime/test_runtime -Db_sanitize=address,undefined -Db_lundef=false --buildtype=debugoptimized
	@RUNS=$(if $(filter file,$(origin N)),10000,$(N)) SEED=$(SEED) build-test/tests/unit/runtime/test_runtime any_random_moment

fuzz:
	@dev/deps build fuzz
	@dev/fuzz $(SECONDS) $(ARGS)

bench: deps build
	@dev/with-servers bench/run $(ARGS)

check:
	@dev/check

fmt:
	@dev/fmt

# Installs what `make` built, so that root need not compile. Everybody may read it, whatever the checkout's files allow.
install:
	@test -x $(BUILD)/attune || { echo "Nothing is built yet: run 'make' first." >&2; exit 1; }
	umask 022; install -d $(bindir) $(packdir)
	install -m 755 $(BUILD)/attune $(bindir)/attune
	for role in api executor worker sensor notifier; do ln -sf attune $(bindir)/attune-$$role; done
	rm -rf $(packdir)/core
	cp -R packs/core $(packdir)/core
	chmod -R u=rwX,go=rX $(packdir)/core

clean:
	rm -rf build build-test build-tsan build-fuzz build-check
