/* Parses the argument of EPSV. A failure must not change the output. */
#include "fuzz.h"

#include <errno.h>

#include "sallyport/ftp/hostport.h"

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

    check_epsv(text);
    return 0;
}
