/* A slice: bytes that it doesn't own. A NUL need not follow them. Every parser
 * of bytes from outside takes a slice. */
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

/* The bytes of a C string without its NUL; empty for NULL. */
struct slice slice_from(const char *text);

bool slice_equal(struct slice a, struct slice b);
/* Ignores the case of ASCII letters. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_has(struct slice s, char c);
/* Without the blanks (space, tab) at both ends. */
struct slice slice_trim(struct slice s);

/* Cuts *rest at the first SEP: *head gets the bytes before it, *rest the bytes
 * after it. Without a SEP *head gets all, and *rest becomes empty with a NULL
 * ptr. Returns false if *rest has a NULL ptr. */
bool slice_cut(struct slice *rest, char sep, struct slice *head);

/* Is S not empty, and are all its bytes decimal digits? */
bool slice_is_digits(struct slice s);
/* Decimal digits only, no sign, no blank. 0; -EINVAL; -ERANGE: more than MAX.
 * On failure *ret doesn't change. */
int slice_number(struct slice s, uint64_t max, uint64_t *ret);

/* The index of the equal one of N words, or -EINVAL. */
int slice_among(struct slice s, const char *const *words, size_t n);

/* Copies, and adds a NUL. 0; -EINVAL: a NUL inside; -ENAMETOOLONG. */
int slice_copy(struct slice s, char *out, size_t size);

#endif
