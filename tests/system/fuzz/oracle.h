/* Finds out whether a file has contents that the clients have sent. */
#ifndef TESTS_SYSTEM_FUZZ_ORACLE_H
#define TESTS_SYSTEM_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECES_MAX 512

/* The bytes from FROM up to TO of a content, which a client has sent on one
 * data connection and ended with close_notify. */
struct piece {
    uint64_t content, from, to;
};

struct oracle {
    struct piece piece[PIECES_MAX];
    size_t count;
};

/* Writes the LEN bytes of a content from AT on. Two contents differ nearly
 * everywhere. */
void content_bytes(uint64_t content, uint64_t at, char *into, size_t len);
void oracle_add(struct oracle *o, uint64_t content, uint64_t from, uint64_t to);
/* Checks each file that clients can see. It must be complete: pieces, one after
 * the other, of which the first is complete from the beginning of its content.
 * Returns the number of files. */
size_t oracle_check(const struct oracle *o, const char *home);

#endif
