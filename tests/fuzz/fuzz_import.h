/* A text with users, for a function of an import format. Accepted entries have
 * names that a row may have, each once. A refused text has a complaint. */
#ifndef TESTS_FUZZ_FUZZ_IMPORT_H
#define TESTS_FUZZ_FUZZ_IMPORT_H

#include "fuzz.h"

#include <string.h>

#include "ctl/users/import.h"

static inline void fuzz_import_entry(const struct import *m,
                                     const struct imported *e)
{
    char comment[USER_COMMENT_MAX + 1], hash[USER_HASH_MAX + 1];

    FUZZ_CHECK(e->why_not || user_name_ok(e->name));
    FUZZ_CHECK(e->why_not || import_find(m, e->name) == e);
    import_take_comment(e, comment);
    FUZZ_CHECK(user_comment_ok(slice_from(comment)));
    if (import_hash_usable(e)) {
        FUZZ_CHECK(slice_copy(e->hash, hash, sizeof(hash)) == 0);
        FUZZ_CHECK(user_hash_ok(hash) && hash[0] == '$');
    }
}

static inline int fuzz_import(int (*read)(struct import *m),
                              const uint8_t *data, size_t size)
{
    static struct context x;
    struct import m = { .x = &x, .path = "input" };

    x.complaint.text[0] = '\0';
    buf_init(&m.text, USERS_FILE_MAX);
    FUZZ_CHECK(buf_add(&m.text, data, size) == 0);
    if (read(&m) == 0) {
        FUZZ_CHECK(x.complaint.text[0] == '\0');
        for (size_t i = 0; i < m.count; i++)
            fuzz_import_entry(&m, &m.entry[i]);
    } else {
        FUZZ_CHECK(strncmp(x.complaint.text, "input:", 6) == 0);
    }
    import_release(&m);
    return 0;
}

#endif
