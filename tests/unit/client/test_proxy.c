/* Tests NO_PROXY: which hosts the client reaches directly. */
#include "client/link/link.h"
#include "support/test.h"

Test(proxy, exceptions)
{
    static const struct {
        const char *list, *host;
        bool used;
    } rows[] = {
        { "", "drop.example.org", true },
        { "*", "drop.example.org", false },
        { "drop.example.org", "DROP.example.org", false },
        { "a, example.org ,b", "drop.example.org", false },
        { ".example.org", "example.org", false },
        { "example.org", "badexample.org", true },
        { "drop.example.org.drop.example.org", "drop.example.org", true },
        { ",,.", "drop.example.org", true },
        { "192.0.2.0/24", "192.0.2.7", false },
        { "192.0.2.0/24", "192.0.3.7", true },
        { "2001:db8::/32", "2001:db8::1", false },
        { "2", "192.0.2.2", true },
    };
    const struct options o = { 0 };

    setenv("ALL_PROXY", "socks5h://127.0.0.1:1", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure why = { 0 };
        struct proxy p;

        setenv("no_proxy", rows[i].list, 1);
        cr_expect_eq(proxy_find(&o, rows[i].host, &p, &why), 0, "%s", why.text);
        cr_expect_eq(p.name[0] != '\0', rows[i].used, "%s: %s", rows[i].list,
                     rows[i].host);
    }
}
