/* "user import" of a hash that still counts, and of damaged files;
 * cases/import*.txt has the rest. */
#include <stdio.h>
#include <stdlib.h>

#include "sallyport/hash/hash.h"
#include "sallyport/userparse/userparse.h"

#include "ctl/users/import.h"
#include "world.h"

TestSuite(import, .init = world_make, .fini = scratch_remove);

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define SHA "$6$salt$" S43 S43

/* The password still counts. */
Test(import, a_password_is_kept)
{
    struct complaint c = { "" };
    struct secret s;
    struct users u;
    char hash[HASH_MAX], text[512], words[256];
    FILE *f;

    cr_assert_eq(secret_set(&s, SLICE("correct horse")), 0);
    cr_assert_eq(hash_make(&s, 5, hash), 0);
    snprintf(text, sizeof(text), "anna:%s\n", hash);
    file_write(in(scratch, "old"), text);
    snprintf(words, sizeof(words), "user import %s --format name:hash",
             in(scratch, "old"));
    expect_out(0, "", words, "1 imported, 0 skipped\n");
    f = fopen(world.users, "r");
    cr_assert(f && users_read(&u, fileno(f), "users", &c) == 0);
    cr_expect_eq(hash_verify(&s, u.row[0].hash), HASH_RIGHT);
    users_release(&u);
    fclose(f);
}

#define PASSWD                                                                 \
    "root:x:0:0:root:/root:/bin/bash\n"                                        \
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"                   \
    "anna:x:1000:1000:Anna A.,,,:/home/anna:/bin/bash\n"                       \
    "bob:x:1001:1001::/home/bob:/bin/sh\n"                                     \
    "backup2:x:1002:1002::/home/b:/usr/sbin/nologin\n"                         \
    "carl:x:1003:1003::/home/carl:/bin/sh\n"                                   \
    "dora:x:1004:1004::/home/dora:/bin/sh\n"                                   \
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"

static bool is_within(struct slice part, const struct buf *text)
{
    return part.len == 0 || (part.ptr >= text->data &&
                             part.ptr + part.len <= text->data + text->len);
}

static void expect_within(const struct import *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct imported *e = &m->entry[i];

        cr_assert(is_within(e->name, &m->text));
        cr_assert(is_within(e->comment, &m->text));
        cr_assert(is_within(e->home, &m->text));
        cr_assert(is_within(e->hash, &m->text) ||
                  is_within(e->hash, &m->shadow));
        cr_assert(e->why_not || user_name_ok(e->name));
    }
}

/* Files with random bytes in them: the sanitizers look. */
Test(import, damaged_files)
{
    static const char *const formats[] = { "proftpd", "passwd", "name:hash" };
    static const char bytes[] = "::\n\r#@ax0 \377";
    const char *const path = in(scratch, "old");
    struct context x = { .args.shadow = path };
    const size_t files = getenv("SALLYPORT_LONG") ? 3000 : 600;
    size_t read = 0;

    srandom(1);
    for (size_t i = 0; i < files; i++) {
        char text[] = PASSWD "anna:" SHA ":1:2:3:4:5\n";
        struct import m = { .x = &x, .path = path };

        for (long n = random() % 16; n >= 0; n--)
            text[(size_t)random() % (sizeof(text) - 1)] =
                bytes[(size_t)random() % (sizeof(bytes) - 1)];
        file_write(path, text);
        x.args.format = formats[i % 3];
        if (import_read(&m) == 0) {
            expect_within(&m);
            read++;
        }
        import_release(&m);
    }
    cr_expect_gt(read, files / 15);
}
