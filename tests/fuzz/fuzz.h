/* Code that the fuzz targets share. A target is one file, fuzz_NAME.c, that
 * defines LLVMFuzzerTestOneInput. libFuzzer runs it in the fuzz build, and
 * seeds.c runs it with the files of seeds/NAME in every other build. */
#ifndef SALLYPORT_TESTS_FUZZ_H
#define SALLYPORT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts the program if CONDITION, a property of the target, doesn't hold. */
#define FUZZ_CHECK(condition)                                                  \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Takes up to LEN bytes from the front of *rest. */
static inline struct slice fuzz_take(struct slice *rest, size_t len)
{
    struct slice head = { rest->ptr, len < rest->len ? len : rest->len };

    rest->ptr += head.len;
    rest->len -= head.len;
    return head;
}

/* Takes a number of BYTES bytes, at most eight, or of fewer if no more are
 * left. */
static inline uint64_t fuzz_number(struct slice *rest, size_t bytes)
{
    struct slice s = fuzz_take(rest, bytes);
    uint64_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | (uint8_t)s.ptr[i];
    return n;
}

/* Returns the whole input. Its ptr is never NULL. */
static inline struct slice fuzz_slice(const uint8_t *data, size_t size)
{
    return size > 0 ? (struct slice){ (const char *)data, size } : SLICE("");
}

/* Has the JSON text a control character, plain or escaped as \u00XX? After an
 * escaped backslash, "u00" is text. */
static inline bool fuzz_has_control(const char *json)
{
    for (; *json; json++)
        if ((uint8_t)*json < 0x20 || *json == 0x7f ||
            (*json == '\\' && strncmp(++json, "u00", 3) == 0))
            return true;
    return false;
}

#endif
