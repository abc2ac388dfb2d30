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
	rm -rf build build-asan build-fuzz

test:
	scripts/test

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

.PHONY: all install clean test format
