/* A slice: bytes that somebody else owns. Never NUL-terminated by promise;
 * every parser of foreign bytes takes one. */
#ifndef SALLYPORT_BASE_SLICE_H
#define SALLYPORT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

/* The bytes of a C string without its NUL; NULL gives the empty slice. */
struct slice slice_from(const char *text);

bool slice_equal(struct slice a, struct slice b);
/* ASCII letters without regard to case; other bytes exactly. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_has(struct slice s, char c);
/* Without the blanks (space, tab) at both ends. */
struct slice slice_trim(struct slice s);

/* Cuts *rest at the first SEP: *head gets what stands before it and *rest what
 * stands behind; without a SEP head gets all and rest becomes empty with a
 * NULL ptr. False once rest is that end. */
bool slice_cut(struct slice *rest, char sep, struct slice *head);

/* Decimal digits only, no sign, no blank: 0, -EINVAL, or -ERANGE over MAX.
 * *ret is untouched on failure. */
int slice_number(struct slice s, uint64_t max, uint64_t *ret);

/* Its place among N words; -EINVAL: it is none of them. */
int slice_among(struct slice s, const char *const *words, size_t n);

/* Copies with a NUL behind: 0, -EINVAL for a NUL inside, -ENAMETOOLONG. */
int slice_copy(struct slice s, char *out, size_t size);

#endif
