#!/usr/bin/env bash
# Builds the fuzz targets of tests/fuzz into $OUT, with their seeds and dictionaries:
# ClusterFuzzLite calls this in its container, and tests/fuzz/run anywhere. From the
# environment: CC, CFLAGS, LIB_FUZZING_ENGINE, OUT.
set -euo pipefail
export LC_ALL=C
[[ -f CMakePresets.json ]] || cd "${SRC:?}/sallyport"
build=build/fuzz/cmake
mkdir -p "$OUT/lib"
# Where libraries of the build's machine are missing, those of $OUT/lib are taken.
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DTESTS=OFF \
    -DFUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" \
    -DCMAKE_EXE_LINKER_FLAGS="-Wl,--enable-new-dtags,-rpath,\$ORIGIN/lib"
cmake --build "$build" --target fuzz
tree=$PWD
# FORM FILE PATTERN: prints each word of FILE, in this form. Fails if there is none.
words() {
    grep -oP "$3" "$2" | sed "s/.*/$1/"
}
# DICTIONARY: prints the words that a table of src has.
table_words() {
    case $1 in
    ftp) words '"& "' include/sallyport/ftp/command.h \
        '^    (COMMAND|REFUSED|ALIAS|SITE)\(\K[A-Z0-9]+' ;;
    conf) words '"& = "' src/lib/settings/conf/table.c '^    \{ ROW(_OF)?\("?\K[a-z0-9_.]+' ;;
    users)
        words '"&="' src/lib/users/userparse/user_fields.c '^    \{ "\K\w+(?=", LINE_)'
        words '"&="' include/sallyport/domain/choices.h '^    L\(X, \w+, \K\w+'
        ;;
    proxy) return ;;
    esac
    words '"&"' src/lib/domain/choices.c '^    \[.*\] = "\K[a-z]+'
}
for seeds in tests/fuzz/seeds/*/; do
    name=$(basename "$seeds")
    cp "$build/tests/fuzz/fuzz_$name" "$OUT/"
    dictionary=tests/fuzz/$name.dict
    [[ -f $dictionary ]] || dictionary=tests/fuzz/ftp.dict
    table_words "$(basename "$dictionary" .dict)" | cat "$dictionary" - >"$OUT/fuzz_$name.dict"
    out=$(cd "$OUT" && pwd)
    (cd "$tree/$seeds" && cmake -E tar cf "$out/fuzz_${name}_seed_corpus.zip" --format=zip .)
    ldd "$OUT/fuzz_$name" | awk '$3 ~ "^/" && $1 !~ /^(libc|libm|libpthread|libdl|librt)\./ { print $3 }'
done | sort -u | xargs -r cp -t "$OUT/lib"
