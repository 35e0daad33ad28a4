/* The words for what a data connection must prove. Pure; what they mean is
 * decided in the process session. */
#include "sallyport/base/binding.h"

#include <errno.h>
#include <stddef.h>

const char *const binding_words[BINDING_COUNT] = {
    [BINDING_USER] = "user",
    [BINDING_SESSION] = "session",
    [BINDING_ADDRESS] = "address",
};

int binding_parse(struct slice text, enum data_binding *ret)
{
    for (size_t i = 0; i < BINDING_COUNT; i++) {
        if (!slice_equal(text, slice_from(binding_words[i])))
            continue;
        *ret = (enum data_binding)i;
        return 0;
    }
    return -EINVAL;
}
