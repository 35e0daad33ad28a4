/* "user import" of a hash, whose password still counts, and of damaged files.
 * cases/import*.txt has the rest. */
#include "sallyport/hash/hash.h"

#include "ctl/users/import.h"
#include "support/long.h"
#include "world.h"

TestSuite(import, .init = world_make, .fini = scratch_remove);

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define SHA "$6$salt$" S43 S43

/* The password of an imported hash still counts. */
Test(import, a_password_is_kept)
{
    struct secret s;
    char hash[HASH_MAX], text[512], words[256];

    cr_assert_eq(secret_set(&s, SLICE("correct horse")), 0);
    cr_assert_eq(hash_make(&s, 5, hash), 0);
    snprintf(text, sizeof(text), "[{\"name\":\"anna\",\"hash\":\"%s\"}]\n",
             hash);
    file_write(in(scratch, "new"), text);
    snprintf(words, sizeof(words), "user import %s", in(scratch, "new"));
    expect_out(0, "", words, "1 imported, 0 skipped\n");
    cr_expect(world_password_is("anna", "correct horse"));
}

#define USER                                                                   \
    "{\"name\": \"anna\", \"hash\": \"" SHA "\", \"locked\": false, "          \
    "\"expires\": \"2030-01-01\", \"limits\": {\"hours\": \"sat\"}, "          \
    "\"shares\": [{\"name\": \"a\", \"rights\": \"read\"}], \"uid\": 70000}"

/* Imports texts with random bytes. The sanitizers look for faults. */
Test(import, damaged_texts)
{
    static const char bytes[] = "\"{}[],:\\ \n\r0a \377";
    const size_t files = is_long() ? 1000 : 100;
    char words[256];
    struct run r;

    srandom(1);
    snprintf(words, sizeof(words), "user import %s --dry-run",
             in(scratch, "new"));
    for (size_t i = 0; i < files; i++) {
        char text[] = "[" USER ", " USER "]\n";

        for (long n = random() % 4; n >= 0; n--)
            text[(size_t)random() % (sizeof(text) - 1)] =
                bytes[(size_t)random() % (sizeof(bytes) - 1)];
        file_write(in(scratch, "new"), text);
        run_ctl(&r, "", words);
        cr_expect(r.code == 0 || r.code == EX_DATAERR, "%d: %s%s%s", r.code,
                  text, r.out, r.err);
        cr_expect_null(strstr(r.err, "$6$"), "%s", r.err);
    }
}
