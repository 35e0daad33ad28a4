/* Which hashes of passwords are permitted, and what is said of others. */
#include "sallyport/userparse/userparse.h"
#include "support/test.h"

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define S86 S43 S43
#define S53 "abcdefghij" S43

Test(hash, kinds)
{
    static const struct {
        const char *hash;
        const char *kind; /* NULL: refused */
    } table[] = {
        { "$y$j9T$0kxoDdlqAF0Nn6nxBVQbA.$" S43, "yescrypt" },
        { "$2b$12$" S53, "bcrypt" },
        { "$2a$05$" S53, "bcrypt" },
        { "$2y$05$" S53, "bcrypt" },
        { "$7$CU..../....saltsalt$" S43, "scrypt" },
        { "$6$salt$" S86, "SHA-512" },
        { "$6$rounds=5000$salt$" S86, "SHA-512" },
        { "$5$salt$" S43, "SHA-256" },
        { "!$5$salt$" S43, "SHA-256" },
        { "!", "none" },
        { "*", "none" },
        { "", NULL },
        { "!!", NULL },
        { "!*", NULL },
        { "!!$5$salt$" S43, NULL },
        { "x", NULL },
        { "secret", NULL },
        { "abJnggxhB/yWI", NULL },
        { "_J9..rasmBYk8r9AiWNc", NULL },
        { "$1$salt$qJH7.N4xYta3aEG/dfqo/0", NULL },
        { "$3$$8846f7eaee8fb117ad06bdd830b7586c", NULL },
        { "$sha1$1$salt$abcdefghijklmnopqrstuvwxyz01", NULL },
        { "$md5$salt$abc", NULL },
        { "$2x$05$" S53, NULL },
        { "$gy$j9T$salt$" S43, NULL },
        { "$y$", NULL },
        { "$y$j9T$salt$", NULL },
        { "$y$j9T$salt$" S43 "a", NULL },
        { "$y$j9T$" S43, NULL },
        { "$y$j9T$a$b$" S43, NULL },
        { "$y$j9T$$" S43, "yescrypt" },
        { "$y$j9T$F5Jx5fEx@KuPp53xLKQ..1$" S43, NULL },
        { "$y$j9T$F5Jx5fExrKuPp53xLKQ..2$" S43, NULL },
        { "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" S43, "yescrypt" },
        { "$7$CU..../....salt@alt$" S43, NULL },
        { "$2b$12$" S43, NULL },
        { "$6$" S86, NULL },
        { "$6$a$b$c$" S86, NULL },
        { "$6$sa;t$" S86, NULL },
        { "$6$sa*t$" S86, NULL },
        { "$6$sa t$" S86, NULL },
        { "$6$sa\\t$" S86, NULL },
        { "$6$s\xc3\xa4t$" S86, NULL },
        { "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_01234", NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        bool ok = user_hash_ok(table[i].hash);

        cr_expect_eq(ok, table[i].kind != NULL, "%s", table[i].hash);
        if (table[i].kind)
            cr_expect_str_eq(user_hash_kind(table[i].hash), table[i].kind);
    }
}

/* Each login computes a hash, also of an unknown name. So one row could keep
 * everybody out, and with a cost that crypt(3) doesn't take, no login would
 * succeed or count. The refused row is next to an accepted one. */
Test(hash, that_costs_too_much_or_too_little)
{
    static const struct {
        const char *hash;
        bool ok;
    } table[] = {
        { "$2b$15$" S53, true },
        { "$2b$16$" S53, false },
        { "!$2y$31$" S53, false },
        { "$2b$04$" S53, true },
        { "$2b$03$" S53, false },
        { "$2b$4$" S53, false },
        { "$2b$004$" S53, false },
        { "$2b$ 4$" S53, false },
        { "$6$rounds=1000$salt$" S86, true },
        { "$6$rounds=999$salt$" S86, false },
        { "$5$rounds=0656000$salt$" S43, false },
        { "$5$rounds=+5000$salt$" S43, false },
        { "$5$rounds=5000x$salt$" S43, false },
        { "$5$rounds=$salt$" S43, false },
        { "$6$rounds=5000000$salt$" S86, true },
        { "$6$rounds=5000001$salt$" S86, false },
        { "$6$rounds=999999999$salt$" S86, false },
        { "$5$rounds=99999999999999999999999$salt$" S43, false },
        { "$5$rounds=-1$salt$" S43, false },
        { "$6$roundsX9999999$" S86, true }, /* all of it is the salt */
        { "$y$jCT$salt$" S43, true },       /* 128 MiB: hash_cost = 8 */
        { "$y$jDT$salt$" S43, false },
        { "$y$jFT$salt$" S43, false }, /* 1 GiB */
        { "$y$jC8$salt$" S43, true },
        { "$y$jzT$salt$" S43, false },
        { "$y$j9zzzzz$salt$" S43, false },
        { "$y$j7s..$salt$" S43, true }, /* r = 561 */
        { "$y$j8s..$salt$" S43, false },
        { "$y$j9T.0$salt$" S43, true },     /* p = 4 */
        { "$y$j9T./$salt$" S43, true },     /* p = 3 */
        { "$y$jCT..$salt$" S43, false },    /* 128 MiB, p = 2 */
        { "$y$j9T/zzzz$salt$" S43, false }, /* t */
        { "$y$j9T1$salt$" S43, false },     /* a parameter that is unknown */
        { "$y$j9$salt$" S43, false },
        { "$y$k9T$salt$" S43, false }, /* a flavor that crypt(3) doesn't make */
        { "$y$j.T$salt$" S43, false },
        { "$7$DU..../....saltsalt$" S43, true }, /* 128 MiB */
        { "$7$EU..../....saltsalt$" S43, false },
        { "$7$DU....0....saltsalt$" S43, false }, /* p = 2 */
        { "$7$zzzzzzzzzzzsaltsalt$" S43, false },
        { "$7$C$" S43, false },
        { "$7$7/.........salt$" S43, false }, /* p = 0 */
        { "$7$7...../....salt$" S43, false }, /* r = 0 */
        { "$7$//..../....salt$" S43, false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(user_hash_ok(table[i].hash), table[i].ok, "%s",
                     table[i].hash);
    cr_expect(strstr(user_hash_found("$2b$16$" S53), "so high"));
    cr_expect(strstr(user_hash_found("!$2b$16$" S53), "so high"));
}

Test(hash, up_to_its_bound)
{
    char hash[512];
    int salt = USER_HASH_MAX - 43 - 4;

    snprintf(hash, sizeof(hash), "$5$%0*d$" S43, salt, 0);
    cr_expect_eq(strlen(hash), USER_HASH_MAX);
    cr_expect(user_hash_ok(hash));
    snprintf(hash, sizeof(hash), "$5$%0*d$" S43, salt + 1, 0);
    cr_expect_not(user_hash_ok(hash));
}
