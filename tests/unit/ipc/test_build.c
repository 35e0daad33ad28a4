/* The name of the build. */
#include "sallyport/ipc/generation.h"
#include "support/test.h"

Test(build, names_the_version)
{
    const size_t len = strlen(SALLYPORT_VERSION);

    cr_expect_eq(strncmp(build_name(), SALLYPORT_VERSION "-", len + 1), 0);
    cr_expect_eq(strlen(build_name()), len + 1 + 16, "%s", build_name());
}
