/* The build's name: a hash of the sources, which each run of the build computes
 * (etc/cmake/build.cmake). */
#include "sallyport/ipc/generation.h"

#include <string.h>

const char *build_name(void)
{
    return SALLYPORT_BUILD;
}

void build_name_fill(char out[BUILD_NAME_MAX])
{
    _Static_assert(sizeof(SALLYPORT_BUILD) <= BUILD_NAME_MAX, "its NUL too");
    memset(out, 0, BUILD_NAME_MAX);
    memcpy(out, SALLYPORT_BUILD, sizeof(SALLYPORT_BUILD));
}

bool build_name_is(const char name[BUILD_NAME_MAX])
{
    char own[BUILD_NAME_MAX];

    build_name_fill(own);
    return memcmp(name, own, sizeof(own)) == 0;
}
