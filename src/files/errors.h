/* From errno to the outcome that a session gets. */
#ifndef FILES_ERRORS_H
#define FILES_ERRORS_H

#include "sallyport/domain/outcome.h"

/* RESULT is what a request returned: an enum outcome, or -errno. */
enum outcome errors_outcome(int result);

#endif
