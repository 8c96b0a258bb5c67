#!/usr/bin/env bash
# Builds .build-deb/saker: the program with the Swift runtime linked in, small, without symbols. The whole package is compiled
# for it, as the flags differ from those of other builds.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
archive=$swift/lib/swift_static/linux/lib_FoundationICU.a
scratch=$PWD/.build-deb
icu=$scratch/icu
flags=(--configuration release --scratch-path .build-deb --static-swift-stdlib
  # A section for each function, so that the linker can leave out those that nothing calls.
  -Xswiftc -Xfrontend -Xswiftc -function-sections -Xswiftc -use-ld=lld
  -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs)

# Nothing in the program catches C++ exceptions or unwinds its stack: the tables for that, 5 MB, are left out. A debugger
# needs the program of `make build`.
mkdir -p .build-deb
script='SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table) *(.gcc_except_table.*) } } INSERT AFTER .text;'
[ "$(cat .build-deb/link.ld 2>/dev/null)" = "$script" ] || echo "$script" >.build-deb/link.ld
flags+=(-Xlinker --no-eh-frame-hdr -Xlinker -T -Xlinker "$scratch/link.ld")

# Foundation brings ICU's data, 34 MB; of these the program gets English (icu-subset.pl). The linker drops what
# nothing refers to when the name stands for another symbol.
name=$(nm "$archive" 2>/dev/null | sed -nE 's/^[0-9a-f]+ [RD] (icudt[0-9]+_dat)$/\1/p' | head -1)
member=$(ar t "$archive" | grep -m1 '^icu_packaged_data' || true)
if [ -n "$name" ] && [ -n "$member" ]; then
  if [ ! "$icu/data.o" -nt "$archive" ] || [ ! "$icu/data.o" -nt Scripts/icu-subset.pl ]; then
    mkdir -p "$icu"
    ar p "$archive" "$member" >"$icu/all.o"
    "$swift/bin/llvm-objcopy" -O binary --only-section=.rodata "$icu/all.o" "$icu/all.dat"
    Scripts/icu-subset.pl "$icu/all.dat" "$icu/subset.dat"
    rm "$icu/all.o" "$icu/all.dat"
    cat >"$icu/data.S" <<EOF
  .section .rodata.saker_icu_data, "a"
  .globl saker_icu_data
  .balign 16
saker_icu_data:
  .incbin "$icu/subset.dat"
  .section .note.GNU-stack, "", @progbits
EOF
    "$swift/bin/clang" -c "$icu/data.S" -o "$icu/data.o"
  fi
  flags+=(-Xlinker "$icu/data.o" -Xlinker "--defsym=$name=saker_icu_data")
else
  echo "build-static: this toolchain's ICU data are not where they were expected ($archive);" \
    "the program will be 30 MB larger" >&2
fi

built=$(swift build "${flags[@]}" --show-bin-path)
# The build doesn't know these two inputs.
for input in "$icu/data.o" .build-deb/link.ld; do
  [ ! "$input" -nt "$built/saker" ] || rm -f "$built/saker"
done
Scripts/build.sh "${flags[@]}" --product saker
if [ ! .build-deb/saker -nt "$built/saker" ]; then
  "$swift/bin/llvm-objcopy" --strip-all "$built/saker" .build-deb/saker.new
  mv .build-deb/saker.new .build-deb/saker
fi
rm -rf .build-deb/Saker_SakerData.resources
cp -R "$built/Saker_SakerData.resources" .build-deb/

# What makes the manual pages comes with the argument parser.
tool=.build-deb/manual
if [ ! -x "$tool/release/generate-manual" ]; then
  swift build --configuration release --scratch-path "$tool" \
    --package-path .build-deb/checkouts/swift-argument-parser --product generate-manual
fi
