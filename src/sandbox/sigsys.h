/* The handler of calls that a policy doesn't list. */
#ifndef SALLYPORT_SANDBOX_SIGSYS_H
#define SALLYPORT_SANDBOX_SIGSYS_H

/* Installs the handler, and forgets which calls were reported. 0 or -errno */
int sigsys_install(void);

#endif
