/* The key that somebody probably meant. */
#include "conf.h"

Test(nearest, keys)
{
    static const struct {
        const char *key, *nearest;
    } table[] = {
        { "lisen", "listen" },
        { "listne", "listen" },
        { "max_session", "max_sessions" },
        { "maxsessions", "max_sessions" },
        { "acounts", "accounts" },
        { "portss", "ports" },
        { "kye", "key" },
        { "Listen", "listen" },
        { "x", NULL },
        { "kex", "key" },
        { "pot", NULL },
        { "hosts", NULL },
        { "anonymous", NULL },
        { "user_name", NULL },
        { "time", NULL },
        { "", NULL },
        { "qqqqqqqq", NULL },
        { "a_key_that_is_far_too_long_for_any_of_them", NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *found = table_nearest(slice_from(table[i].key));

        if (table[i].nearest)
            cr_expect_str_eq(found ? found : "(none)", table[i].nearest);
        else
            cr_expect_null(found, "%s: %s", table[i].key, found);
    }
}
