/* The contents that a file may have, as the clients have sent it. */
#ifndef TESTS_SYSTEM_FUZZ_ORACLE_H
#define TESTS_SYSTEM_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECES_MAX 512

/* Bytes FROM to TO of a content: what a client has sent on a data connection
 * that it ended with close_notify. */
struct piece {
    uint64_t content, from, to;
};

struct oracle {
    struct piece piece[PIECES_MAX];
    size_t count;
};

/* Bytes AT and further of a content; two contents differ nearly everywhere. */
void content_bytes(uint64_t content, uint64_t at, char *into, size_t len);
void oracle_add(struct oracle *o, uint64_t content, uint64_t from, uint64_t to);
/* Checks each file that clients can see. It must be complete: some pieces, one
 * after the other, and the first is a beginning. Returns their number. */
size_t oracle_check(const struct oracle *o, const char *home);

#endif
