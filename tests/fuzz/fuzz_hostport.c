/* Parses the arguments of PORT, EPRT and EPSV. An accepted argument of PORT
 * must be the same if it is written again. An address of EPRT can have several
 * texts: if it is written and parsed again, it must be the same address. A
 * failure must not change the output. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "sallyport/ftp/hostport.h"

static const struct address untouched = { .family = 9, .port = 7 };

static void check_port(struct slice text)
{
    struct address a = untouched;
    char out[HOSTPORT_MAX];
    int r = hostport_parse(text, &a);

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL && memcmp(&a, &untouched, sizeof(a)) == 0);
        return;
    }
    FUZZ_CHECK(a.family == 4 && a.port != 0);
    FUZZ_CHECK(slice_equal(slice_from(hostport_text(&a, out)), text));
}

static void check_eprt(struct slice text)
{
    struct address a = untouched, again;
    char host[ADDRESS_TEXT_MAX], out[ADDRESS_TEXT_MAX + 16];
    int r = hostport_parse_extended(text, &a);

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL || r == -EPROTONOSUPPORT);
        FUZZ_CHECK(memcmp(&a, &untouched, sizeof(a)) == 0);
        return;
    }
    FUZZ_CHECK((a.family == 4 || a.family == 6) && a.port != 0);
    snprintf(out, sizeof(out), "|%d|%s|%u|", a.family == 4 ? 1 : 2,
             address_text(&a, host), a.port);
    FUZZ_CHECK(hostport_parse_extended(slice_from(out), &again) == 0);
    FUZZ_CHECK(address_same_host(&a, &again) && a.port == again.port);
}

static void check_epsv(struct slice text)
{
    enum epsv_argument e = EPSV_ALL;
    int r = hostport_parse_epsv(text, &e);

    FUZZ_CHECK(r == 0 || r == -EINVAL || r == -EPROTONOSUPPORT);
    FUZZ_CHECK(r == 0 || e == EPSV_ALL);
    FUZZ_CHECK(r != 0 || text.len <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = fuzz_slice(data, size);

    check_port(text);
    check_eprt(text);
    check_epsv(text);
    return 0;
}
