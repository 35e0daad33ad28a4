/* Finds a password in the desktop's keyring with the program secret-tool
 * (libsecret), if it is installed. The user stores it there with `secret-tool
 * store --label=drop server HOST user USER`. */
#ifndef CLIENT_KEYRING_H
#define CLIENT_KEYRING_H

#include <stdbool.h>

#include "sallyport/base/secret.h"
#include "url.h"

/* Returns false if there is no program, no keyring, no such entry, or no answer
 * in 10 s. */
bool keyring_find(const struct url *url, struct secret *ret);

#endif
