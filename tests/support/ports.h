/* Finds free ports, for the setting `ports` and for listeners. */
#ifndef TESTS_SUPPORT_PORTS_H
#define TESTS_SUPPORT_PORTS_H

/* Returns the first of COUNT ports in a row, at most 256, that no process uses
 * now. No other process gets these ports from here while this process or a fork
 * of it lives. */
unsigned ports_free(unsigned count);
/* Returns a free port for a listener, at each call another one. If the kernel
 * chose the port, a client of another test that has just closed the port could
 * still connect to it. */
unsigned ports_one(void);

#endif
