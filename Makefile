# The release lies in build/: vouchd, vouchctl, vouch.  Everything else about the build is in meson.build.
PREFIX ?= /usr/local
MESON = meson setup --prefix '$(PREFIX)' -Doptimization=2 -Ddebug=true -Db_lto=true -Dtests=false

all: build/build.ninja
	ninja -C build

build/build.ninja:
	$(MESON) build

install: all
	meson configure build --prefix '$(PREFIX)'
	meson install -C build

clean:
	rm -rf build build-asan build-fuzz build-bench

test:
	scripts/test

# What is measured is the release, built with the programs that measure it.  Settings: bench/README.md.
bench:
	scripts/deps build bench
	test -e build-bench/build.ninja || $(MESON) -Dbench=true build-bench
	ninja -C build-bench
	bench/run.py

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

.PHONY: all install clean test bench format
