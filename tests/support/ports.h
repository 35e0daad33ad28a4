/* Ports for the setting `ports`, and for listeners. */
#ifndef TESTS_SUPPORT_PORTS_H
#define TESTS_SUPPORT_PORTS_H

/* Returns the first of COUNT ports in a row, at most 256, that nobody uses now.
 * No other test gets them while this process or a child of it lives. */
unsigned ports_free(unsigned count);
/* Returns another such port at each call, for a listener. If the kernel chose
 * the port, a client of a test that has just closed it could still connect. */
unsigned ports_one(void);

#endif
