/* The desktop's keyring, by the program secret-tool (libsecret), if it is
 * installed: `secret-tool store --label=drop server HOST user USER`. */
#ifndef CLIENT_KEYRING_H
#define CLIENT_KEYRING_H

#include <stdbool.h>

#include "sallyport/base/secret.h"
#include "url.h"

/* False: no program, no keyring, no such entry, or no answer in 10 s. */
bool keyring_find(const struct url *url, struct secret *ret);

#endif
