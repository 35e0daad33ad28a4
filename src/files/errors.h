/* From errno to the outcome that a session gets. */
#ifndef FILES_ERRORS_H
#define FILES_ERRORS_H

#include "sallyport/domain/outcome.h"

/* RESULT is what a request returned: an enum outcome, or -errno. */
enum outcome errors_outcome(int result);
/* The errno in it, for the log; 0 where there is none. */
int errors_number(int result);

#endif
