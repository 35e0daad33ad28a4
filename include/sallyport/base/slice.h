/* A slice refers to bytes that it doesn't own. A NUL need not follow them.
 * Every parser of bytes from outside takes a slice. */
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

/* Returns the bytes of a C string without its NUL, or an empty slice for
 * NULL. */
struct slice slice_from(const char *text);

bool slice_equal(struct slice a, struct slice b);
/* Compares, ignoring the case of ASCII letters. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_has(struct slice s, char c);
/* Does S have a control byte (below 0x20, or 0x7f)? */
bool slice_has_control(struct slice s);
/* Does S have only bytes of LETTERS? */
bool slice_has_only(struct slice s, const char *letters);
/* Does S have only printing bytes of ASCII, and no blank? */
bool slice_is_graphic(struct slice s);
/* Returns S without the blanks (space, tab) at both ends. */
struct slice slice_trim(struct slice s);

/* Cuts *rest at the first SEP: *head gets the bytes before it, and *rest the
 * bytes after it. If there is no SEP, *head gets all bytes, and *rest becomes
 * empty with a NULL ptr. Returns false if *rest already has a NULL ptr; then
 * *head isn't set. */
bool slice_cut(struct slice *rest, char sep, struct slice *head);

/* Is S not empty, and are all its bytes decimal digits? */
bool slice_is_digits(struct slice s);
/* Parses decimal digits only, without sign or blank. Returns 0; -EINVAL;
 * -ERANGE: more than MAX. On failure *ret doesn't change. */
int slice_number(struct slice s, uint64_t max, uint64_t *ret);

/* A unit after a number, and its factor. */
struct slice_unit {
    const char *name;
    uint64_t factor;
};
/* Parses a number up to MOST and the name of one of N units, without a blank.
 * Returns 0; -EINVAL; -ERANGE. On failure *ret doesn't change. */
int slice_measure(struct slice s, const struct slice_unit *units, size_t n,
                  uint64_t most, uint64_t *ret);
/* Parses a number of bytes, also with K, M, G or T (powers of 1,024). Returns
 * the results of slice_measure(). */
int slice_size(struct slice s, uint64_t *ret);
/* Writes bytes for people, rounded down: "20 GiB", "1.5 MiB", "17 bytes".
 * Returns OUT. */
#define SIZE_TEXT_MAX 32
const char *size_text(uint64_t bytes, char out[SIZE_TEXT_MAX]);

/* Returns the index of the word, among N words, that equals S; or -EINVAL. */
int slice_among(struct slice s, const char *const *words, size_t n);

/* Returns how many letters of A must be added, dropped, changed or swapped with
 * a neighbour to get B; SIZE_MAX if A or B is longer than 32. */
size_t slice_distance(struct slice a, struct slice b);
/* Returns the word, among N words, that somebody probably meant by S; or NULL.
 */
const char *slice_nearest(struct slice s, const char *const *words, size_t n);

/* Copies S and adds a NUL. Returns 0; -EINVAL: S has a NUL; -ENAMETOOLONG. */
int slice_copy(struct slice s, char *out, size_t size);

/* Base32 (RFC 4648) in capitals, without padding. base32_decode() returns the
 * number of bytes; -EINVAL: another character, bits left over, or more than
 * SIZE bytes. base32_encode() needs BASE32_TEXT(len) bytes in OUT. */
#define BASE32_TEXT(len) (((len) * 8 + 4) / 5 + 1)
int base32_decode(struct slice text, uint8_t *out, size_t size);
void base32_encode(const uint8_t *bytes, size_t len, char *out);

#endif
