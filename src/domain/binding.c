/* The words for what a data connection must prove. Pure; session decides by
 * them. */
#include "sallyport/domain/binding.h"

const char *const binding_words[BINDING_COUNT] = {
    [BINDING_USER] = "user",
    [BINDING_SESSION] = "session",
    [BINDING_ADDRESS] = "address",
};

int binding_parse(struct slice text, enum data_binding *ret)
{
    int i = slice_among(text, binding_words, BINDING_COUNT);

    if (i < 0)
        return i;
    *ret = (enum data_binding)i;
    return 0;
}
