/* --certificate: names of client certificates as somebody gives them. */
#ifndef CTL_CERTIFICATE_H
#define CTL_CERTIFICATE_H

#include "ctl.h"

/* As a row of the users file has them: a fingerprint as openssl(1) prints it
 * ("AA:BB:…") in lower case without colons, a space as \20, one behind a
 * backslash too, as is a ';' as \3B. 0, or -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

#endif
